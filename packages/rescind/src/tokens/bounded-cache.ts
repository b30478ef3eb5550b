/**
 * Remembers what was asked for lately. Bounded by two generations: when the young one is full it becomes the old one, and
 * what is used again moves back. No scan, no per-entry bookkeeping.
 */
export interface BoundedCache<Key, Value> {
  get(key: Key): Value | undefined
  set(value: Value): void
}

/**
 * @param capacity how many values are remembered at the most; 0 remembers none
 * @param keyOf the key of a value: what moves back keeps its own, since the one that it was asked for with may be a part of
 * a request, and keep all of it alive
 */
export function createBoundedCache<Key, Value>(
  capacity: number,
  keyOf: (value: Value) => Key,
): BoundedCache<Key, Value> {
  const generationSize = Math.ceil(capacity / 2)
  let young = new Map<Key, Value>()
  let old = new Map<Key, Value>()
  const set = (value: Value) => {
    if (generationSize === 0) return
    if (young.size >= generationSize) {
      old = young
      young = new Map()
    }
    young.set(keyOf(value), value)
  }
  return {
    get(key) {
      const hit = young.get(key)
      if (hit !== undefined) return hit
      const aged = old.get(key)
      if (aged !== undefined) set(aged)
      return aged
    },
    set,
  }
}
