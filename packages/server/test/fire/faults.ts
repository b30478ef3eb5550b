import { setTimeout as pause } from 'node:timers/promises'
import type { Chance } from './chance.ts'
import type { Fleet, FleetNode } from './fleet.ts'
import type { FaultRecord } from './journal.ts'

/** What can be broken. */
export const faultNames = [
  'kill a node',
  'stop a node',
  'vanish a node',
  'pause a node',
  'black-hole a node',
  'cut a node off',
  'restart Redis empty',
  'restart PostgreSQL',
  'kill PostgreSQL',
] as const

/** One of them. */
export type FaultName = (typeof faultNames)[number]

/** One of them, at a node by name or, where it concerns one, at any. */
export interface PlannedFault {
  readonly what: FaultName
  readonly node?: string | undefined
}

/** Breaks something and mends it again; answers what it was, once all nodes are ready. */
export type Break = (fault: PlannedFault) => Promise<FaultRecord>

/** Faults of a fleet, at nodes that chance chooses. */
export function createFaults(fleet: Fleet, { chance, nowMs }: { chance: Chance; nowMs(): number }): Break {
  const { nodes, postgres, redis } = fleet
  const chosen = (wanted: string | undefined): FleetNode => {
    const any = nodes[chance.below(nodes.length)]
    const node = wanted === undefined ? any : nodes.find(({ name }) => name === wanted)
    if (node === undefined) throw new Error(`there is no node ${wanted}`)
    return node
  }
  const whileDown = async (node: FleetNode, signal: 'SIGKILL' | 'SIGTERM') => {
    node.isUp = false
    await node.process().stop(signal)
    await pause(chance.below(1_500))
    await node.start()
  }
  const onNode: Partial<Record<FaultName, (node: FleetNode) => Promise<void>>> = {
    'kill a node': (node) => whileDown(node, 'SIGKILL'),
    'stop a node': (node) => whileDown(node, 'SIGTERM'),
    async 'vanish a node'(node) {
      await node.way.vanish()
      await whileDown(node, 'SIGKILL')
    },
    async 'pause a node'(node) {
      node.process().child.kill('SIGSTOP')
      await pause(2_500 + chance.below(2_000))
      node.process().child.kill('SIGCONT')
    },
    async 'black-hole a node'(node) {
      node.network.drop()
      // Longer than any node may answer from memory.
      await pause(4_500 + chance.below(1_500))
      node.network.heal()
    },
    async 'cut a node off'(node) {
      node.network.cut()
      await pause(1_000 + chance.below(3_000))
      node.network.heal()
    },
  }
  const elsewhere: Partial<Record<FaultName, () => Promise<void>>> = {
    async 'restart Redis empty'() {
      await redis.kill()
      await pause(chance.below(1_000))
      await redis.start()
    },
    async 'restart PostgreSQL'() {
      await postgres.kill('SIGINT')
      await pause(chance.below(1_500))
      await postgres.start()
    },
    async 'kill PostgreSQL'() {
      await postgres.kill('SIGQUIT')
      await postgres.start()
    },
  }
  return async ({ what, node: wanted }) => {
    const startMs = nowMs()
    const node = chosen(wanted)
    const concerned = () => {
      // What Redis holds is a copy: no instance may notice.
      if (what === 'restart Redis empty') return fleet.reader.name
      return onNode[what] === undefined ? null : node.name
    }
    const atNode = onNode[what]
    if (atNode !== undefined) await atNode(node)
    else await elsewhere[what]?.()
    return { what, node: concerned(), startMs, endMs: nowMs() }
  }
}
