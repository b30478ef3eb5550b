import { RescindError } from '../base/errors.ts'
import type { VerifiedToken } from '../tokens/verify.ts'
import type { LocationName, TokenSlot } from '../web/locations.ts'

/** What one route asks of the token. */
export interface CheckOptions {
  /**
   * Which tokens pass.
   * @default 'access'
   */
  readonly type?: 'access' | 'refresh' | 'any' | undefined
  /**
   * Refuses a token that is not fresh with `fresh_token_required`.
   * @default false
   */
  readonly fresh?: boolean | undefined
  /**
   * Refuses with `fresh_token_required` when the user proved who they are longer ago than this, in seconds (RFC 9470's
   * `max_age`), or when the token does not tell.
   * @default any age
   */
  readonly maxAuthAgeSeconds?: number | undefined
  /**
   * Lets a request without a token pass, with no principal. A token that is there must still be good.
   * @default false
   */
  readonly optional?: boolean | undefined
  /**
   * Where this route looks for the token.
   * @default the `locations` of the library's options
   */
  readonly locations?: readonly LocationName[] | undefined
  /**
   * Lets a token pass that was revoked: for the page that says "you have been logged out".
   * @default false
   */
  readonly skipRevocation?: boolean | undefined
}

/** Which of a login's two tokens a route reads, where their places have different names. */
export function slotOf({ type }: CheckOptions): TokenSlot {
  return type === 'refresh' ? 'refresh' : 'access'
}

/**
 * Checks what the route asks of the token itself; answers whether it is fresh now.
 *
 * @throws RescindError `wrong_token_type` or `fresh_token_required`
 */
export function checkDemands(verified: VerifiedToken, options: CheckOptions, nowMs: number): boolean {
  const { type = 'access', fresh: mustBeFresh = false, maxAuthAgeSeconds } = options
  if (type !== 'any' && verified.type !== type) {
    throw new RescindError('wrong_token_type', `This needs ${type === 'access' ? 'an access' : 'a refresh'} token.`)
  }
  const fresh = typeof verified.fresh === 'number' ? nowMs < verified.fresh : verified.fresh
  const isTooOld =
    maxAuthAgeSeconds !== undefined && !(nowMs - (verified.authTimeMs ?? Number.NaN) <= maxAuthAgeSeconds * 1000)
  if ((mustBeFresh && !fresh) || isTooOld) {
    throw new RescindError('fresh_token_required', 'Log in again: this needs a fresh token.')
  }
  return fresh
}
