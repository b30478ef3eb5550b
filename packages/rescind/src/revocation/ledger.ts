import type { TokenIds } from '../base/types.ts'
import type { Revocation } from './revocation.ts'

/**
 * A place in one history of the ledger. Its text belongs to the store and names that history (its generation), so that
 * a place in a history that was lost is told from one in the history that took its place.
 */
export type Position = string

/** A transaction that the caller has open, in the driver's own form; each store says what it takes. */
export type Transaction = object

/** Some records in ledger order, and the position after the last of them. */
export interface Page {
  readonly records: readonly Revocation[]
  readonly position: Position
}

/** Where {@link Ledger.follow} delivers. */
export interface FeedSink {
  /** New records, in ledger order, and the position after them. */
  records(page: Page): void
  /** The follower's monotonic time in milliseconds: read it before asking the ledger, pass it to {@link current}. */
  now(): number
  /**
   * Proof that the follower now holds everything that was acknowledged before `askedAt`. It renews the follower's right
   * to answer from memory.
   */
  current(askedAt: number): void
}

/**
 * The durable, ordered log of revocations: the port that every store implements.
 * Deadlines and times are absolute milliseconds since the epoch.
 */
export interface Ledger {
  /** True where this process may only read: `append` then rejects with `invalid_config`. Absent elsewhere. */
  readonly readOnly?: true
  /**
   * Records all of the revocations or none. Resolves once they are as durable as the store promises, with the position
   * after them. Idempotent: recording the same revocation again changes nothing, but for a later `expiresAt`. With
   * `within` they are recorded when that transaction commits; a store that cannot join it throws `invalid_config`.
   */
  append(records: readonly Revocation[], within?: Transaction): Promise<Position>
  /**
   * The live records after `from` (`null`: all), in order. Ends when it has caught up; always yields a last position.
   * Rejects with `history_lost` when `from` is not a place in the ledger's history: it came back empty or rewound.
   */
  read(from: Position | null): AsyncIterable<Page>
  /**
   * Delivers every record after `from` until the signal aborts, then resolves. Rejects when the store fails, and with
   * `history_lost` as {@link read} does, also when history is lost while it follows.
   */
  follow(from: Position, sink: FeedSink, signal: AbortSignal): Promise<void>
  /** The strictest live record that kills a token with these ids, or `null`. One round trip. */
  find(ids: TokenIds, nowMs: number): Promise<Revocation | null>
  /** Forgets up to `limit` records whose `expiresAt` has passed; answers how many. */
  prune(nowMs: number, limit: number): Promise<number>
  /** The ledger's identity. It changes if history was lost. */
  generation(): Promise<string>
}
