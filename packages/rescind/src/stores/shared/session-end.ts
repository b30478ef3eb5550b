import type { Revocation } from '../../revocation/revocation.ts'

/**
 * What to record when `revocation` ends the sessions `sids`: itself, and for a subject one record per session, so that
 * a token minted by a refresh in flight dies by its `sid` whatever the clocks say.
 */
export function recordsForEnd(revocation: Revocation, sids: readonly string[]): Revocation[] {
  if (revocation.kind !== 'subject') return [revocation]
  const { before: _before, except: _except, ...facts } = revocation
  return [revocation, ...sids.map((id): Revocation => ({ ...facts, kind: 'session', id }))]
}
