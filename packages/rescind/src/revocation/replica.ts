import type { Clock } from '../base/clock.ts'
import { RescindError } from '../base/errors.ts'
import type { TokenIds } from '../base/types.ts'
import type { Ledger, Position } from './ledger.ts'
import type { Revocation } from './revocation.ts'
import { createRevocationSet } from './revocation-set.ts'

/**
 * What a replica may do:
 * - `catching-up`: it has not replayed the ledger yet and answers nothing;
 * - `live`: it is at most `maxStalenessMs` old and answers from memory;
 * - `stale`: it cannot prove that, and the ledger is asked for each request.
 */
export type ReplicaState = 'catching-up' | 'live' | 'stale'

/** One process's copy of the live revocations, and the proof of how old it is. */
export interface Replica {
  /** Replays the ledger, then follows it until {@link stop}. Rejects with `revocation_unavailable` after the deadline. */
  start(deadlineMs: number): Promise<void>
  /** Takes in what this process has just recorded, ahead of the feed. */
  apply(records: readonly Revocation[]): void
  /** The record that kills these ids according to memory. A hit counts whatever the age; a miss only when `live`. */
  find(ids: TokenIds): Revocation | null
  readonly state: ReplicaState
  /** Milliseconds since memory was last proved complete. */
  readonly lagMs: number
  readonly size: number
  forget(nowMs: number, limit: number): number
  stop(): Promise<void>
}

/** What a replica is made of. */
export interface ReplicaParts {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly maxStalenessMs: number
  /** False when no other process can write: memory is then complete by construction, and never stale. */
  readonly shared: boolean
  /** Told, in words without secrets, when the feed breaks and when it is whole again. */
  readonly onWarning: (message: string) => void
}

const FIRST_RETRY_MS = 50
const LAST_RETRY_MS = 2_000

/** Makes a replica that has not started. */
export function createReplica(parts: ReplicaParts): Replica {
  const { ledger, clock, maxStalenessMs, shared, onWarning } = parts
  const set = createRevocationSet()
  const ending = new AbortController()
  let position: Position | null = null
  let provedAt: number | null = null
  let caughtUp = false
  let following: Promise<void> = Promise.resolve()

  const replay = async () => {
    const askedAt = clock.monotonic()
    for await (const page of ledger.read(position)) {
      for (const record of page.records) set.add(record)
      position = page.position
    }
    provedAt = askedAt
    caughtUp = true
  }

  const followOnce = async () => {
    if (position === null || !caughtUp) await replay()
    await ledger.follow(
      position ?? '',
      {
        now: () => clock.monotonic(),
        records(page) {
          for (const record of page.records) set.add(record)
          position = page.position
        },
        current(askedAt) {
          provedAt = Math.max(provedAt ?? askedAt, askedAt)
        },
      },
      ending.signal,
    )
  }

  const followForever = async () => {
    for (let attempt = 0; !ending.signal.aborted; attempt += 1) {
      const startedAt = clock.monotonic()
      try {
        await followOnce()
        if (!ending.signal.aborted) throw new Error('the store stopped following')
      } catch (error) {
        if (ending.signal.aborted) return
        if (clock.monotonic() - startedAt > LAST_RETRY_MS) attempt = 0
        onWarning(
          `the revocation feed broke and is being reopened: ${error instanceof Error ? error.message : 'unknown'}`,
        )
        await pause(retryDelayMs(attempt), ending.signal)
      }
    }
  }

  return {
    async start(deadlineMs) {
      try {
        await withDeadline(replay(), deadlineMs)
      } catch (cause) {
        throw new RescindError('revocation_unavailable', 'The ledger could not be replayed: check the store.', {
          cause,
        })
      }
      following = followForever()
    },
    apply(records) {
      for (const record of records) set.add(record)
    },
    find: (ids) => set.find(ids),
    get state() {
      if (!caughtUp) return 'catching-up'
      if (!shared) return 'live'
      return provedAt !== null && clock.monotonic() - provedAt <= maxStalenessMs ? 'live' : 'stale'
    },
    get lagMs() {
      if (!shared && caughtUp) return 0
      return provedAt === null ? Number.POSITIVE_INFINITY : Math.max(0, clock.monotonic() - provedAt)
    },
    get size() {
      return set.size
    },
    forget: (nowMs, limit) => set.forget(nowMs, limit),
    async stop() {
      ending.abort()
      await following
    },
  }
}

// Jitter keeps a fleet from returning to a restarted ledger in step; it needs no cryptographic randomness.
function retryDelayMs(attempt: number): number {
  return Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** attempt) * (0.5 + Math.random() / 2)
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms)
    timer.unref()
    signal.addEventListener('abort', done, { once: true })
    function done() {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
  })
}

/** Rejects when the work takes longer than `ms`. */
export function withDeadline<T>(work: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
