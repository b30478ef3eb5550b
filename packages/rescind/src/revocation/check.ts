import { RescindError } from '../base/errors.ts'
import type { TokenIds } from '../base/types.ts'
import { withDeadline } from './deadline.ts'
import type { Ledger } from './ledger.ts'
import type { Replica } from './replica.ts'
import type { RevocationKind } from './revocation.ts'

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

/** Says whether a token has been revoked. */
export interface RevocationCheck {
  /** At once while the replica is live, else after asking the ledger. */
  (ids: TokenIds): RevocationVerdict | Promise<RevocationVerdict>
  /** How many tokens passed unchecked because the policy said so. */
  readonly unchecked: number
}

// More questions than this would only lengthen a struggling ledger's queue: they would be answered too late.
const MAX_ASKING = 1_000

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

  const check = (ids: TokenIds): RevocationVerdict | Promise<RevocationVerdict> => {
    const state = replica.state
    if (state === 'catching-up') return new RescindError('revocation_unavailable', 'The service is starting.')
    const killed = replica.find(ids)
    if (killed !== null) return killed
    return state === 'live' && policy.mode === 'replica' ? null : ask(ids)
  }
  return Object.defineProperty(check as RevocationCheck, 'unchecked', { get: () => unchecked })
}
