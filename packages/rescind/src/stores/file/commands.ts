import type { EndOrder, EndResult, NewSession, RotateClaim, RotateOutcome } from '../../session/sessions.ts'
import type { Place } from './records.ts'
import type { RecordRow, SessionRow } from './rows.ts'

/**
 * What the log is a sequence of: wishes, not effects. Whoever reads the log applies them in its order and comes to the
 * same outcomes, which is how many processes agree on one winner without a lock.
 */
export type Command =
  | readonly ['append', readonly RecordRow[]]
  | readonly ['prune', nowMs: number, limit: number]
  | readonly ['start', readonly NewSession[]]
  | readonly ['rotate', readonly RotateClaim[]]
  | readonly ['end', readonly EndOrder[]]
  | readonly ['sweep', nowMs: number, limit: number]

/** The verbs that write. */
export type Verb = Command[0]

/** What each verb answers. */
export interface Outcomes {
  /** The place of the newest record. */
  append: { readonly generation: string; readonly last: Place }
  prune: number
  start: readonly ('started' | 'exists')[]
  rotate: readonly RotateOutcome[]
  end: readonly EndResult[]
  sweep: number
}

/** The outcome of any verb. */
export type Outcome = Outcomes[Verb]

/** What stands at the beginning of each file of the log. */
export interface Header {
  /** The format's version. */
  readonly rescind: 1
  readonly generation: string
  /** The file's number; its successor's is one more. */
  readonly number: number
  /** What comes before this byte of the file is a snapshot. */
  readonly skip: number
  /** The byte `skip` of this file is that byte of the whole log, of which the snapshot took the place of the rest. */
  readonly from: number
  /** The newest record there had ever been when the snapshot was made. */
  readonly last: Place
  /** What a reader of the file before has counted when it came to its end. */
  readonly counts: Counts
}

/** By these a process knows that it holds what a file's snapshot says, and need not read it. */
export interface Counts {
  readonly at: number
  readonly index: number
  readonly records: number
  readonly sessions: number
}

/** A frame of the log. */
export type Frame =
  | Header
  /** Part of a snapshot: records, and their places one number after the other. */
  | { readonly records: readonly RecordRow[]; readonly places: readonly number[] }
  /** Part of a snapshot: sessions in the order they were started. */
  | { readonly sessions: readonly SessionRow[] }
  /** A batch of one writer's; in short words, for there are many of these. */
  | { readonly by: string; readonly n: number; readonly do: readonly Command[] }
  /** The end of the file: what comes after it is void, and the log goes on in the file with the next number. */
  | { readonly seal: string }
