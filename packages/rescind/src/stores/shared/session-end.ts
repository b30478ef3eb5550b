import type { Revocation } from '../../revocation/revocation.ts'
import type { SessionSelector } from '../../session/sessions.ts'
import type { SessionState } from './rotation.ts'

/**
 * What to record when `revocation` ends the sessions `sids`: itself, and for a subject one record per session, so that
 * a token minted by a refresh in flight dies by its `sid` whatever the clocks say. `everything` reaches to the last
 * token that the ended sessions issued: a machine whose clock runs ahead may have dated it later than now.
 */
export function recordsForEnd(
  revocation: Revocation,
  sids: readonly string[],
  lastIssuedAtMs: number = Number.NEGATIVE_INFINITY,
): Revocation[] {
  if (revocation.kind === 'everything') {
    return [{ ...revocation, before: Math.max(revocation.before, lastIssuedAtMs) }]
  }
  if (revocation.kind !== 'subject') return [revocation]
  const { before: _before, except: _except, ...facts } = revocation
  return [revocation, ...sids.map((id): Revocation => ({ ...facts, kind: 'session', id }))]
}

/** True when the selector means this session. */
export function isChosen(state: SessionState, which: SessionSelector): boolean {
  if ('everyone' in which) return which.beforeMs === undefined || state.issuedAtMs <= which.beforeMs
  if ('sid' in which) return state.sid === which.sid
  const { sub, except, beforeMs } = which
  return state.sub === sub && state.sid !== except && (beforeMs === undefined || state.createdAtMs <= beforeMs)
}
