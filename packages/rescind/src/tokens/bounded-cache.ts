/**
 * Remembers what was asked for lately. Bounded by two generations: when the young one is full it becomes the old one, and
 * what is used again moves back. No scan, no per-entry bookkeeping.
 */
export interface BoundedCache<T> {
  get(key: string): T | undefined
  set(key: string, value: T): void
}

// What moves back keeps its own key: the one it was asked for with may be a part of a request, and keep all of it alive.
interface Entry<T> {
  readonly key: string
  readonly value: T
}

/** @param capacity how many entries are remembered at the most; 0 remembers none */
export function createBoundedCache<T>(capacity: number): BoundedCache<T> {
  const generationSize = Math.ceil(capacity / 2)
  let young = new Map<string, Entry<T>>()
  let old = new Map<string, Entry<T>>()
  const put = (entry: Entry<T>) => {
    if (generationSize === 0) return
    if (young.size >= generationSize) {
      old = young
      young = new Map()
    }
    young.set(entry.key, entry)
  }
  return {
    get(key) {
      const hit = young.get(key)
      if (hit !== undefined) return hit.value
      const aged = old.get(key)
      if (aged !== undefined) put(aged)
      return aged?.value
    },
    set: (key, value) => put({ key, value }),
  }
}
