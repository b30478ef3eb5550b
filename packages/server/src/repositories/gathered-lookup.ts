/** Finds the values of many keys in one query. What is not there is left out. */
export type LookupOfMany<Value> = (keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>

interface Group<Value> {
  readonly keys: Set<string>
  readonly found: Promise<ReadonlyMap<string, Value>>
}

// More keys would make a query that holds up this process for longer than other requests can bear.
const MAX_KEYS = 500

/**
 * Finds values one by one, but asks for all that are wished for in one turn of the event loop at once: refreshes share a
 * commit, and so come to need their accounts together. A query that fails fails for all whose keys it carried.
 */
export function gatheredLookup<Value>(findMany: LookupOfMany<Value>): (key: string) => Promise<Value | null> {
  let gathering: Group<Value> | null = null
  const begin = (): Group<Value> => {
    const keys = new Set<string>()
    const found = new Promise<ReadonlyMap<string, Value>>((resolve, reject) => {
      // Once all that is at hand has been done: nobody waits for a timer.
      process.nextTick(() => {
        if (gathering?.keys === keys) gathering = null
        // Within the promise, so that a query that throws rejects as well.
        Promise.resolve([...keys])
          .then(findMany)
          .then(resolve, reject)
      })
    })
    return { keys, found }
  }
  return async (key) => {
    if (gathering === null || gathering.keys.size >= MAX_KEYS) gathering = begin()
    const { keys, found } = gathering
    keys.add(key)
    return (await found).get(key) ?? null
  }
}
