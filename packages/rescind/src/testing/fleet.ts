/** The part of a node that a fleet calls; `createRescind` makes such nodes. */
export interface FleetNode {
  ready(): Promise<void>
  close(): Promise<void>
}

/** Several nodes in one process, each with a store of its own on the same data, as several processes would be. */
export interface Fleet<T extends FleetNode> {
  /** The nodes, a restarted one keeps its place. */
  readonly nodes: readonly T[]
  /** Makes one more node and waits until it is ready. */
  add(): Promise<T>
  /** Closes a node and makes it anew: what it knew in memory is gone. */
  restart(index: number): Promise<T>
  /** Closes all nodes. */
  close(): Promise<void>
}

/**
 * Makes `size` nodes and waits until all are ready.
 *
 * @param make makes the node with this index; it opens connections of its own
 * @example
 * ```ts
 * const fleet = await createFleet(3, () => createRescind({ store: sqliteStore(new Database(path)), keys }))
 * await fleet.nodes[0].revoke.session(sid)
 * await eventually(async () => (await fleet.nodes[2].explain(token)).verdict === 'revoked')
 * ```
 */
export async function createFleet<T extends FleetNode>(
  size: number,
  make: (index: number) => T | Promise<T>,
): Promise<Fleet<T>> {
  const nodes: T[] = []
  let made = 0
  const add = async (): Promise<T> => {
    made += 1
    const node = await make(made - 1)
    nodes.push(node)
    await node.ready()
    return node
  }
  for (let n = 0; n < size; n += 1) await add()
  return {
    nodes,
    add,
    async restart(index) {
      await nodes[index]?.close()
      const node = await make(index)
      nodes[index] = node
      await node.ready()
      return node
    },
    async close() {
      await Promise.all(nodes.map((node) => node.close()))
    },
  }
}
