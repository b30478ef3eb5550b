import { sameBytes } from '#crypto'
import { utf8 } from '../../base/bytes.ts'
import type { RotateClaim, RotateOutcome, SessionRecord } from '../../session/sessions.ts'

/** What a store keeps of a session beyond what it shows: hashes only, so that a stolen copy yields no token. */
export interface SessionState extends SessionRecord {
  readonly refreshHash: string
  /** The hash of the token that the current one replaced; `null` before the first rotation. */
  readonly parentHash: string | null
  /** When the current refresh token was issued. */
  readonly issuedAtMs: number
  readonly endedAtMs: number | null
}

/**
 * Decides a claim against the session it names. The caller reads the state, decides and writes within one atomic step.
 *
 * The grace window is measured in both directions: a clock that jumped back must not reopen it (RFC 9700 §4.14).
 */
export function decideRotation(state: SessionState | null, claim: RotateClaim): RotateOutcome['outcome'] {
  if (state === null) return 'unknown'
  if (state.endedAtMs !== null || claim.nowMs >= state.endsAtMs) return 'ended'
  if (sameHash(claim.presentedHash, state.refreshHash)) return 'rotated'
  const withinGrace = Math.abs(claim.nowMs - state.issuedAtMs) < claim.graceMs
  if (state.parentHash !== null && sameHash(claim.presentedHash, state.parentHash) && withinGrace) return 'replayed'
  // An answer that did not come is asked for elsewhere: the request that hung must not end what the other began.
  if (claim.heldUp === true && claim.nowMs < state.issuedAtMs) return 'overtaken'
  return 'reused'
}

/** The state of a session after the claim that won. */
export function rotatedState(state: SessionState, claim: RotateClaim): SessionState {
  return {
    ...state,
    refreshHash: claim.successorHash,
    parentHash: state.refreshHash,
    issuedAtMs: claim.nowMs,
    lastUsedAtMs: claim.nowMs,
    expiresAtMs: Math.min(claim.expiresAtMs, state.endsAtMs),
  }
}

/** The part of a session's state that is shown. */
export function shownSession(state: SessionState): SessionRecord {
  const { sid, sub, createdAtMs, lastUsedAtMs, expiresAtMs, endsAtMs, ip, userAgent } = state
  return { sid, sub, createdAtMs, lastUsedAtMs, expiresAtMs, endsAtMs, ip, userAgent }
}

function sameHash(a: string, b: string): boolean {
  return sameBytes(utf8(a), utf8(b))
}
