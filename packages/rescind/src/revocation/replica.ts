import type { Clock } from '../base/clock.ts'
import { RescindError } from '../base/errors.ts'
import { unref } from '../base/timers.ts'
import type { TokenIds } from '../base/types.ts'
import { withDeadline } from './deadline.ts'
import { createFeed } from './feed.ts'
import type { Ledger, Position } from './ledger.ts'
import type { Revocation, RevocationKind } from './revocation.ts'
import { createRevocationSet, type PreparedIds } from './revocation-set.ts'

/**
 * What a replica may do:
 * - `catching-up`: it has not replayed the ledger yet and answers nothing;
 * - `live`: it is at most `maxStalenessMs` old and answers from memory;
 * - `stale`: it cannot prove that, and the ledger is asked for each request;
 * - `unavailable`: nor did the ledger answer when it was last tried.
 */
export type ReplicaState = 'catching-up' | 'live' | 'stale' | 'unavailable'

/** One process's copy of the live revocations, and the proof of how old it is. */
export interface Replica {
  /** Replays the ledger, then follows it until {@link stop}. Rejects with `revocation_unavailable` after the deadline. */
  start(deadlineMs: number): Promise<void>
  /** Takes in what this process has just recorded, ahead of the feed. */
  apply(records: readonly Revocation[]): void
  /** Says that this process is about to record it: the ledger may bring it back first. Answers how to take that back. */
  announce(record: Revocation): () => void
  /** What kills these ids according to memory. A hit counts whatever the age; a miss only when `live`. */
  find(ids: TokenIds): RevocationKind | null
  /** Hashes the ids of a token once for many a {@link findPrepared}. */
  prepare(ids: TokenIds): PreparedIds
  /** As {@link find}. */
  findPrepared(prepared: PreparedIds): RevocationKind | null
  /** The last millisecond up to which every token of this subject, in this session, is dead; `-Infinity` if none is. */
  cutoff(sub: string, sid: string | undefined): number
  /** Tells whether the ledger answered when it was asked for one request. */
  reached(ok: boolean): void
  readonly state: ReplicaState
  /** Milliseconds since memory was last proved complete; `Infinity` before the first replay. */
  readonly lagMs: number
  /** The live records held. */
  readonly size: number
  /** Bytes held for them outside the JavaScript heap. */
  readonly bytes: number
  readonly position: Position | null
  /** How often the feed had to be reopened. */
  readonly reopened: number
  /** While it is the same, nothing was taken in that could kill a token that {@link find} called alive. */
  readonly version: number
  /** Forgets what has expired, a slice of about a millisecond at each step. */
  forget(nowMs: number): Iterable<number>
  stop(): Promise<void>
}

/** What a replica is made of. */
export interface ReplicaParts {
  readonly ledger: Ledger
  readonly clock: Clock
  readonly maxStalenessMs: number
  /** False when no other process can write: memory is then complete by construction, and never stale. */
  readonly shared: boolean
  /** Told of every record that is new here. */
  readonly onRecord: (record: Revocation) => void
  /** Told of those of them that the ledger brought after the first replay. */
  readonly onArrival: (record: Revocation) => void
  readonly onStateChange: (state: ReplicaState) => void
  /** Told, in words without secrets, when the feed breaks and when history was lost. */
  readonly onWarning: (message: string) => void
}

// Stores prove that nothing is newer several times a second.
const SHORTEST_SILENCE_MS = 1_000
const STATE_CHECKS_PER_STALENESS = 4

/** Makes a replica that has not started. */
export function createReplica(parts: ReplicaParts): Replica {
  const { ledger, clock, maxStalenessMs, shared, onRecord, onArrival, onStateChange, onWarning } = parts
  const set = createRevocationSet()
  const ending = new AbortController()
  let provedAt: number | null = null
  let reachable = true
  let following: Promise<void> = Promise.resolve()

  const state = (): ReplicaState => {
    if (provedAt === null) return 'catching-up'
    if (!shared || clock.monotonic() - provedAt <= maxStalenessMs) return 'live'
    return reachable ? 'stale' : 'unavailable'
  }
  let told: ReplicaState = 'catching-up'
  const tellState = () => {
    const now = state()
    if (now === told) return
    told = now
    onStateChange(now)
  }

  const take = (records: readonly Revocation[]) => {
    for (const record of records) if (set.add(record)) onRecord(record)
  }
  const announced = new Set<string>()
  const takeFromLedger = (records: readonly Revocation[]) => {
    if (provedAt === null) return take(records)
    for (const record of records) {
      if (!set.add(record)) continue
      onRecord(record)
      if (!announced.has(nameOf(record))) onArrival(record)
    }
  }
  const reached = (ok: boolean) => {
    reachable = ok
    tellState()
  }
  const feed = createFeed({
    ledger,
    clock,
    silenceMs: shared ? Math.max(SHORTEST_SILENCE_MS, maxStalenessMs) : Number.POSITIVE_INFINITY,
    take: takeFromLedger,
    held: () => set.records(clock.now()),
    proved(askedAt) {
      provedAt = Math.max(provedAt ?? askedAt, askedAt)
      tellState()
    },
    reached,
    onWarning,
  })
  // Nothing happens at the moment when memory becomes too old, so it has to be looked for.
  const stateCheck = setInterval(tellState, Math.max(5, Math.min(250, maxStalenessMs / STATE_CHECKS_PER_STALENESS)))
  unref(stateCheck)

  return {
    async start(deadlineMs) {
      const tooLate = new AbortController()
      try {
        await withDeadline(feed.catchUp(tooLate.signal), deadlineMs)
      } catch (cause) {
        tooLate.abort(cause)
        throw new RescindError('revocation_unavailable', 'The ledger could not be replayed: check the store.', {
          cause,
        })
      }
      following = feed.follow(ending.signal)
    },
    apply: take,
    announce(record) {
      const name = nameOf(record)
      announced.add(name)
      return () => announced.delete(name)
    },
    find: (ids) => set.find(ids),
    prepare: (ids) => set.prepare(ids),
    findPrepared: (prepared) => set.findPrepared(prepared),
    cutoff: (sub, sid) => set.cutoff(sub, sid),
    reached,
    get state() {
      return state()
    },
    get lagMs() {
      if (provedAt === null) return Number.POSITIVE_INFINITY
      return shared ? Math.max(0, clock.monotonic() - provedAt) : 0
    },
    get size() {
      return set.size
    },
    get bytes() {
      return set.bytes
    },
    get position() {
      return feed.position
    },
    get reopened() {
      return feed.reopened
    },
    get version() {
      return set.version
    },
    forget: (nowMs) => set.forget(nowMs),
    async stop() {
      clearInterval(stateCheck)
      ending.abort()
      await following
    },
  }
}

function nameOf(record: Revocation): string {
  return `${record.at} ${record.kind} ${record.kind === 'everything' ? '' : record.id}`
}
