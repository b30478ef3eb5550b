/**
 * Remembers what was asked for lately. Bounded by two generations: when the young one is full it becomes the old one, and
 * what is used again moves back. No scan, no per-entry bookkeeping.
 */
export interface BoundedCache<T> {
  get(key: string): T | undefined
  set(key: string, value: T): void
}

/** @param capacity how many entries are remembered at the most; 0 remembers none */
export function createBoundedCache<T>(capacity: number): BoundedCache<T> {
  const generationSize = Math.ceil(capacity / 2)
  let young = new Map<string, T>()
  let old = new Map<string, T>()
  const set = (key: string, value: T) => {
    if (generationSize === 0) return
    if (young.size >= generationSize) {
      old = young
      young = new Map()
    }
    young.set(key, value)
  }
  return {
    get(key) {
      const hit = young.get(key)
      if (hit !== undefined) return hit
      const aged = old.get(key)
      if (aged !== undefined) set(key, aged)
      return aged
    },
    set,
  }
}
