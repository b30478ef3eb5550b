/**
 * Remembers what verified tokens said. Bounded by two generations: when the young one is full it becomes the old one,
 * and what is used again moves back. No scan, no per-entry bookkeeping.
 *
 * Only tokens with a valid signature are put in, so nothing an attacker sends can grow it or push others out, and the
 * key is the whole token, so that no two tokens share an entry.
 */
export interface VerifiedCache<T> {
  get(token: string): T | undefined
  set(token: string, verified: T): void
  clear(): void
}

/** @param capacity how many tokens are remembered at the most; 0 remembers none */
export function createVerifiedCache<T>(capacity: number): VerifiedCache<T> {
  const generationSize = Math.ceil(capacity / 2)
  let young = new Map<string, T>()
  let old = new Map<string, T>()
  const put = (token: string, verified: T) => {
    if (generationSize === 0) return
    if (young.size >= generationSize) {
      old = young
      young = new Map()
    }
    young.set(token, verified)
  }
  return {
    get(token) {
      const hit = young.get(token)
      if (hit !== undefined) return hit
      const aged = old.get(token)
      if (aged !== undefined) put(token, aged)
      return aged
    },
    set: put,
    clear() {
      young = new Map()
      old = new Map()
    },
  }
}
