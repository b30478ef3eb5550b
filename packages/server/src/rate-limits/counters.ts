import { createHash } from 'node:crypto'
import type { Clock } from 'rescind'

/** How much was counted, and how long it still counts. */
export interface Count {
  readonly count: number
  readonly msLeft: number
}

/** Counts that end by themselves. Adding is atomic: of any number of callers, each is told a different count. */
export interface Counters {
  /** Adds one, or takes one back, but never below zero. The first to count sets for how long; a later `ttlMs` changes nothing. */
  add(key: string, points: 1 | -1, ttlMs: number): Promise<Count>
  /** `null` where nothing counts. */
  get(key: string): Promise<Count | null>
  delete(key: string): Promise<void>
}

/** A key of fixed length that shows neither an address nor a network. */
export function counterKey(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url')
}

// About 20 MiB.
const MAX_COUNTS = 100_000
// To look through all of them at every addition would cost a stranger's flood nothing, and the service much.
const SWEEPS_PER_FILLING = 10

/**
 * Counts in memory, for one process. What has run out, or was taken back, is forgotten first; then the one that was
 * neither added to nor looked at for longest. So to push a count out, as many others have to be made: whoever can make
 * one kind of them at no cost must not be able to push out another kind, which therefore needs counters of its own.
 */
export function memoryCounters({ clock, maxCounts = MAX_COUNTS }: { clock: Clock; maxCounts?: number }): Counters {
  const counts = new Map<string, { count: number; endsAtMs: number }>()
  let addedSinceSweep = 0
  // A map keeps the order of insertion: what is touched goes to its end.
  const touch = (key: string) => {
    const found = counts.get(key)
    counts.delete(key)
    if (found === undefined || found.endsAtMs <= clock.monotonic()) return undefined
    counts.set(key, found)
    return found
  }
  const makeRoom = () => {
    if (counts.size <= maxCounts) return
    if (addedSinceSweep >= maxCounts / SWEEPS_PER_FILLING) {
      addedSinceSweep = 0
      const now = clock.monotonic()
      for (const [key, { endsAtMs }] of counts) if (endsAtMs <= now) counts.delete(key)
    }
    const [oldest] = counts.keys()
    if (counts.size > maxCounts && oldest !== undefined) counts.delete(oldest)
  }
  return {
    async add(key, points, ttlMs) {
      const { count, endsAtMs } = touch(key) ?? { count: 0, endsAtMs: clock.monotonic() + ttlMs }
      const next = { count: count + points, endsAtMs }
      if (next.count > 0) counts.set(key, next)
      else counts.delete(key)
      addedSinceSweep += 1
      makeRoom()
      return { count: Math.max(0, next.count), msLeft: endsAtMs - clock.monotonic() }
    },
    async get(key) {
      const found = touch(key)
      return found === undefined ? null : { count: found.count, msLeft: found.endsAtMs - clock.monotonic() }
    },
    async delete(key) {
      counts.delete(key)
    },
  }
}
