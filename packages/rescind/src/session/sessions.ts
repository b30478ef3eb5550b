import type { TokenIds } from '../base/types.ts'
import type { Ledger, Transaction } from '../revocation/ledger.ts'
import type { Revocation } from '../revocation/revocation.ts'

/** One login, as a store keeps it. Times are milliseconds since the epoch. */
export interface SessionRecord {
  readonly sid: string
  readonly sub: string
  readonly createdAtMs: number
  /** When its refresh token was last rotated. */
  readonly lastUsedAtMs: number
  /** When its current refresh token expires. */
  readonly expiresAtMs: number
  /** No rotation extends the session past this. */
  readonly endsAtMs: number
  readonly ip: string | null
  readonly userAgent: string | null
}

/** A login to be recorded. `refreshHash` is the hash of its first refresh token. */
export interface NewSession extends SessionRecord {
  readonly refreshHash: string
}

/** The wish to exchange one refresh token for its successor. */
export interface RotateClaim {
  readonly sid: string
  /** The ids of the token presented: where a live record of the ledger kills it, the outcome is `ended`. */
  readonly token: TokenIds
  /** The hash of the refresh token presented. */
  readonly presentedHash: string
  /** The hash its successor will have if this claim wins. */
  readonly successorHash: string
  /** The claim's time; the winner's becomes the successor's time of issue. */
  readonly nowMs: number
  /** When the successor expires. */
  readonly expiresAtMs: number
  /** How long after a rotation the immediate parent still answers `replayed`. */
  readonly graceMs: number
  /** Recorded, in the same atomic write that ends the session, when the token turns out to be reused. */
  readonly onReuse: Revocation
  /** True where it waited for its turn, so that others who came later may have gone ahead. @default false */
  readonly heldUp?: boolean
}

/**
 * What became of a claim.
 * - `rotated`: this claim won; the successor is the session's refresh token now.
 * - `replayed`: the token is the immediate parent, within grace: the same successor is to be handed out again.
 * - `reused`: the token was exchanged before: the session has been ended and `onReuse` recorded.
 * - `overtaken`: as `reused`, but the claim was held up, and is older than the use of the token's successor: nothing was
 *   changed, since whoever went ahead need not be a thief.
 * - `ended`: the session is over. `unknown`: there is no such session.
 */
export type RotateOutcome =
  | { readonly outcome: 'rotated' | 'replayed'; readonly issuedAtMs: number; readonly session: SessionRecord }
  | { readonly outcome: 'reused' | 'overtaken' | 'ended' | 'unknown' }

/**
 * Which sessions to end: one; a subject's, but for `except`; or everyone's. Without `beforeMs` these are all that the
 * store holds, in the store's own order, whatever the clocks say. With it, a subject's are those begun at or before,
 * and everyone's those whose last token was issued at or before.
 */
export type SessionSelector =
  | { readonly everyone: true; readonly beforeMs?: number | undefined }
  | { readonly sid: string }
  | { readonly sub: string; readonly beforeMs?: number | undefined; readonly except?: string | undefined }

/** The wish to end sessions and to record why, in one atomic write. */
export interface EndOrder {
  readonly which: SessionSelector
  readonly revocation: Revocation
}

/** The sessions ended, and every revocation recorded for them, in the same atomic write. */
export interface EndResult {
  readonly ended: number
  readonly recorded: readonly Revocation[]
}

/** A part of a listing: up to `limit` sessions after `cursor`. */
export interface PageRequest {
  readonly limit: number
  readonly cursor?: string | undefined
}

/** Live sessions, newest first; `nextCursor` is `null` on the last page. */
export interface SessionPage {
  readonly sessions: readonly SessionRecord[]
  readonly nextCursor: string | null
}

/**
 * The logins a store keeps: the port behind refresh tokens. What writes takes many wishes at once and answers each in
 * its place: every wish is atomic by itself and names its winner, as if they had come one after the other, and all of
 * them share one durable write (one commit, one fsync, one round trip). Nothing is answered before that write is done;
 * when it fails, all of them fail.
 */
export interface Sessions {
  start(sessions: readonly NewSession[]): Promise<readonly ('started' | 'exists')[]>
  rotate(claims: readonly RotateClaim[]): Promise<readonly RotateOutcome[]>
  /**
   * Ends sessions and records the revocations. A `subject` revocation also records a `session` revocation for each
   * session it ends, so that a token minted by a refresh in flight dies whatever the clocks say. An `everything`
   * revocation of all sessions is recorded with a `before` no earlier than the last token issued by a session it ends.
   * With `within` it happens when that transaction commits; a store that cannot join it throws `invalid_config`.
   */
  end(orders: readonly EndOrder[], within?: Transaction): Promise<readonly EndResult[]>
  get(sid: string, nowMs: number): Promise<SessionRecord | null>
  list(sub: string, page: PageRequest, nowMs: number): Promise<SessionPage>
  /** How many live sessions {@link end} would end. */
  count(which: SessionSelector, nowMs: number): Promise<number>
  /** Forgets up to `limit` sessions that are past their end; answers how many. */
  sweep(nowMs: number, limit: number): Promise<number>
}

/** A backend: a ledger and sessions that share one atomic write. */
export interface Store {
  readonly ledger: Ledger
  readonly sessions: Sessions
  readonly guarantees: {
    /** What was acknowledged survives the end of the process. */
    readonly durable: boolean
    /** Other processes see it. */
    readonly shared: boolean
  }
  /**
   * Called once before the store is used: answers what an operator should know (a server that may forget), and rejects
   * with `invalid_config` where it must not be used as it is.
   */
  inspect?(): Promise<readonly string[]>
  close(): Promise<void>
}
