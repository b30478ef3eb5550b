import type { Clock } from 'rescind'
import type { SessionUse, SessionUseRecords } from '../repositories/session-uses.ts'

/** Knows when sessions were last used, to the minute. */
export interface SessionUses {
  /** Notes that a session is being used now. Writes nothing and never fails. */
  note(sid: string): void
  /** The last use of each of these sessions, where one is known. Where the database fails, what this process noted. */
  lastOf(sids: readonly string[]): Promise<ReadonlyMap<string, number>>
  /** Writes what is noted, and notes nothing more. */
  close(): Promise<void>
}

/** What the uses are made of. */
export interface SessionUsesOptions {
  readonly records: SessionUseRecords
  readonly clock: Clock
  /** For how long an unused session can live: after that its use is forgotten. */
  readonly idleMs: number
}

const WRITE_EVERY_MS = 60_000
const LOOK_EVERY_MS = 10_000
// A statement holds up other requests no longer than they can bear.
const CHUNK = 500
const PRUNED_AT_ONCE = 1_000
// Some 20 MB. What does not fit is noted in the next minute: it is a hint for people, and not worth more memory.
const MAX_NOTED = 100_000

/**
 * Gathers the uses in memory and writes them once a minute, each session at most once: a guarded request pays for a
 * `Map.set`. A database that fails costs the uses some of their accuracy and nobody an answer.
 */
export function createSessionUses({ records, clock, idleMs }: SessionUsesOptions): SessionUses {
  const noted = new Map<string, number>()
  let lastWriteAt = clock.monotonic()
  let writing: Promise<void> | null = null
  let failed = false

  const write = async (): Promise<void> => {
    const uses: SessionUse[] = [...noted].map(([sid, usedAtMs]) => ({ sid, usedAtMs }))
    noted.clear()
    try {
      for (; uses.length > 0; uses.splice(0, CHUNK)) await records.record(uses.slice(0, CHUNK))
      failed = false
    } catch {
      failed = true
      // Next minute, together with what comes until then: a database that fails once is not asked for the rest now.
      for (const { sid, usedAtMs } of uses) if (!noted.has(sid)) noted.set(sid, usedAtMs)
    }
    await records.prune(clock.now() - idleMs, PRUNED_AT_ONCE).catch(() => {})
  }
  const startWriting = () => {
    lastWriteAt = clock.monotonic()
    writing ??= write().finally(() => {
      writing = null
    })
  }
  const isDue = () => clock.monotonic() - lastWriteAt >= WRITE_EVERY_MS
  // For what was noted last, with no request after it.
  const timer = setInterval(() => {
    if (noted.size > 0 && isDue()) startWriting()
  }, LOOK_EVERY_MS)
  timer.unref()
  let closed = false

  return {
    note(sid) {
      if (closed) return
      if (noted.size < MAX_NOTED || noted.has(sid)) noted.set(sid, Math.floor(clock.now()))
      if (isDue()) startWriting()
    },
    async lastOf(sids) {
      const written = await records.of(sids).catch(() => new Map<string, number>())
      const last = new Map(written)
      for (const sid of sids) {
        const here = noted.get(sid)
        if (here !== undefined) last.set(sid, Math.max(here, last.get(sid) ?? 0))
      }
      return last
    },
    async close() {
      closed = true
      clearInterval(timer)
      await writing
      // A database that has just failed would hold the end up for nothing.
      if (noted.size > 0 && !failed) await write()
    },
  }
}
