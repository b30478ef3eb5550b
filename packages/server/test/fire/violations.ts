import type { ActRecord } from './journal.ts'

/** What a run must never show. */
export type Fault =
  /** A token was accepted that an acknowledged act had killed. */
  | 'dead_token_accepted'
  /** A token was refused although nothing had ended its session. */
  | 'live_session_lost'
  /** An honest refresh was taken for a theft. */
  | 'false_theft_alarm'
  /** One refresh token was exchanged for two. */
  | 'two_successors'
  /** A refresh token was exchanged that only a thief can have shown. */
  | 'theft_unnoticed'
  /** A password let in that had been replaced. */
  | 'old_password_accepted'
  /** A disabled account was let in. */
  | 'disabled_account_accepted'
  /** The right password was refused. */
  | 'login_refused'
  /** A link that had just been mailed, and was the only one, did not reset the password. */
  | 'fresh_link_refused'
  /** An operator was refused. */
  | 'operator_refused'
  /** 500, or another answer of 5xx that is not 503. */
  | 'server_error'
  /** 503 while nothing was broken. On a machine that has no time for it, this says nothing about the service. */
  | 'unavailable'
  /** No answer while nothing was broken. */
  | 'no_answer'
  /** An answer that the API does not know for this act. */
  | 'unexpected_answer'

/** One fault, and the act that showed it. */
export interface Violation {
  readonly fault: Fault
  readonly act: ActRecord
  /** What it contradicts. */
  readonly against: ActRecord | null
}

/** Puts a fault on record. */
export type Blame = (fault: Fault, act: ActRecord, against?: ActRecord | null) => void
