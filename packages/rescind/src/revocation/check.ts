import { RescindError } from '../base/errors.ts'
import type { TokenIds } from '../base/types.ts'
import type { Ledger } from './ledger.ts'
import { type Replica, withDeadline } from './replica.ts'
import type { Revocation } from './revocation.ts'

/** How a check behaves when memory may not answer. */
export interface RevocationPolicy {
  /** `replica`: from memory while it is live. `ask`: from the ledger, for every request. */
  readonly mode: 'replica' | 'ask'
  /** When the ledger does not answer either: refuse with `revocation_unavailable`, or let the token pass. */
  readonly onUnavailable: 'deny' | 'allow'
  /** How long the ledger may take to answer. */
  readonly askTimeoutMs: number
}

/** The verdict on one token: the record that killed it, `null` for a live one, or the error that refuses both. */
export type RevocationVerdict = Revocation | null | RescindError

/** Says whether a token has been revoked: at once while the replica is live, else after asking the ledger. */
export type RevocationCheck = (ids: TokenIds) => RevocationVerdict | Promise<RevocationVerdict>

/** Composes replica, ledger and policy. `wallNow` is in milliseconds since the epoch. */
export function createRevocationCheck(
  parts: { replica: Replica; ledger: Ledger; wallNow: () => number; onWarning: (message: string) => void },
  policy: RevocationPolicy,
): RevocationCheck {
  const { replica, ledger, wallNow, onWarning } = parts
  const ask = async (ids: TokenIds): Promise<RevocationVerdict> => {
    try {
      return await withDeadline(ledger.find(ids, wallNow()), policy.askTimeoutMs)
    } catch (cause) {
      if (policy.onUnavailable === 'allow') {
        onWarning('a token passed unchecked: the ledger did not answer and onUnavailable is "allow"')
        return null
      }
      return new RescindError('revocation_unavailable', 'Revocation cannot be checked right now.', { cause })
    }
  }
  return (ids) => {
    const state = replica.state
    if (state === 'catching-up') return new RescindError('revocation_unavailable', 'The service is starting.')
    const killed = replica.find(ids)
    if (killed !== null) return killed
    return state === 'live' && policy.mode === 'replica' ? null : ask(ids)
  }
}
