import { RescindError } from '../base/errors.ts'
import type { TokenIds } from '../base/types.ts'
import { withDeadline } from './deadline.ts'
import type { Ledger } from './ledger.ts'
import type { Replica } from './replica.ts'
import type { RevocationKind } from './revocation.ts'
import type { PreparedIds } from './revocation-set.ts'

/** How a check behaves when memory may not answer. */
export interface RevocationPolicy {
  /** `replica`: from memory while it is live. `ask`: from the ledger, for every request. */
  readonly mode: 'replica' | 'ask'
  /** When the ledger does not answer either: refuse with `revocation_unavailable`, or let the token pass. */
  readonly onUnavailable: 'deny' | 'allow'
  /** How long the ledger may take to answer. */
  readonly askTimeoutMs: number
}

/** The verdict on one token: what killed it, `null` for a live one, or the error that refuses both. */
export type RevocationVerdict = RevocationKind | null | RescindError

/** A token that may be checked again and again: what is known of it from the last time. Made by {@link checkable}. */
export interface CheckableToken {
  readonly ids: TokenIds
  /** Its hashes; made at the second lookup, since many a token is seen but once. */
  prepared: PreparedIds | undefined
  /** The version of memory that found it alive. */
  aliveAt: number
  /** What killed it. A dead token stays dead, so nobody is asked again. */
  killed: RevocationKind | null
}

/** A token that has not been checked yet. */
export function checkable(ids: TokenIds): CheckableToken {
  return { ids, prepared: undefined, aliveAt: NEVER_CHECKED, killed: null }
}

/** Says whether a token has been revoked. */
export interface RevocationCheck {
  /** At once while the replica is live, else after asking the ledger. */
  (token: CheckableToken): RevocationVerdict | Promise<RevocationVerdict>
  /** How many tokens passed unchecked because the policy said so. */
  readonly unchecked: number
}

// More questions than this would only lengthen a struggling ledger's queue: they would be answered too late.
const MAX_ASKING = 1_000

const NEVER_CHECKED = -1

/** Composes replica, ledger and policy. `wallNow` is in milliseconds since the epoch. */
export function createRevocationCheck(
  parts: { replica: Replica; ledger: Ledger; wallNow: () => number; onWarning: (message: string) => void },
  policy: RevocationPolicy,
): RevocationCheck {
  const { replica, ledger, wallNow, onWarning } = parts
  let asking = 0
  let unchecked = 0

  const unanswered = (cause: unknown): RevocationVerdict => {
    if (policy.onUnavailable === 'allow') {
      unchecked += 1
      onWarning('a token passed unchecked: the ledger did not answer and onUnavailable is "allow"')
      return null
    }
    return new RescindError('revocation_unavailable', 'Revocation cannot be checked right now.', { cause })
  }

  const ask = async (ids: TokenIds): Promise<RevocationVerdict> => {
    if (asking >= MAX_ASKING) return unanswered(new Error(`${MAX_ASKING} questions wait for the ledger`))
    asking += 1
    try {
      const record = await withDeadline(ledger.find(ids, wallNow()), policy.askTimeoutMs)
      replica.reached(true)
      return record?.kind ?? null
    } catch (cause) {
      replica.reached(false)
      return unanswered(cause)
    } finally {
      asking -= 1
    }
  }

  const lookUp = (token: CheckableToken): RevocationKind | null => {
    if (token.aliveAt === NEVER_CHECKED) return replica.find(token.ids)
    token.prepared ??= replica.prepare(token.ids)
    return replica.findPrepared(token.prepared)
  }

  const check = (token: CheckableToken): RevocationVerdict | Promise<RevocationVerdict> => {
    const state = replica.state
    if (state === 'catching-up') return new RescindError('revocation_unavailable', 'The service is starting.')
    if (token.killed !== null) return token.killed
    // Memory that has taken in nothing deadly since it found the token alive would find the same again.
    const { version } = replica
    if (token.aliveAt !== version) {
      token.killed = lookUp(token)
      if (token.killed !== null) return token.killed
      token.aliveAt = version
    }
    return state === 'live' && policy.mode === 'replica' ? null : ask(token.ids)
  }
  return Object.defineProperty(check as RevocationCheck, 'unchecked', { get: () => unchecked })
}
