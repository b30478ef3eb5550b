/**
 * Tells what comes again from what comes once, in sixteen bytes for each that may be let in: a table of hashes in buckets,
 * each a short queue (the "doorkeeper" of TinyLFU, arXiv:1512.00727, that forgets by itself).
 */
export interface Doorkeeper {
  /** Whether this hash was asked for lately; from now on it was. Now and then it forgets one that was. */
  knows(hash: number): boolean
}

/** A bucket holds so many; with one place only, two honest tokens that share it would keep each other out for ever. */
const BUCKET = 4

/** @param capacity how many may be let in: so many buckets there are, rounded up */
export function createDoorkeeper(capacity: number): Doorkeeper {
  const buckets = 2 ** Math.ceil(Math.log2(Math.max(capacity, 1)))
  const hashes = new Int32Array(buckets * BUCKET)
  return {
    knows(hash) {
      const first = (hash & (buckets - 1)) * BUCKET
      for (let at = first; at < first + BUCKET; at += 1) if (hashes[at] === hash) return true
      for (let at = first + BUCKET - 1; at > first; at -= 1) hashes[at] = hashes[at - 1] ?? 0
      hashes[first] = hash
      return false
    },
  }
}
