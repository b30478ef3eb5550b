import { RescindError } from '../base/errors.ts'
import type { RevocationCheck, RevocationVerdict } from '../revocation/check.ts'
import type { TokenVerifier, VerifiedToken } from '../tokens/verify.ts'
import { bearerToken } from '../web/locations.ts'
import type { RequestView } from '../web/request.ts'
import { CheckedPrincipal, type Watch } from './checked-principal.ts'
import type { Principal } from './principal.ts'

/** What one route asks of the token. */
export interface CheckOptions {
  /**
   * Which tokens pass.
   * @default 'access'
   */
  readonly type?: 'access' | 'refresh' | 'any'
  /**
   * Refuses a token that is not fresh with `fresh_token_required`.
   * @default false
   */
  readonly fresh?: boolean
  /**
   * Lets a request without a token pass, with no principal. A token that is there must still be good.
   * @default false
   */
  readonly optional?: boolean
}

/** The answer of a guard: who it is (`null` only on an optional route), or why not. */
export type Decision =
  | { readonly ok: true; readonly principal: Principal | null }
  | { readonly ok: false; readonly error: RescindError }

/** Walks a request through location, signature, claims and revocation, in this order. */
export interface Guard {
  check(request: RequestView, options?: CheckOptions): Decision | Promise<Decision>
  checkToken(token: string, options?: CheckOptions): Decision | Promise<Decision>
}

/** Composes the pipeline. `wallNow` is in milliseconds since the epoch. */
export function createGuard(parts: {
  verifier: TokenVerifier
  revoked: RevocationCheck
  wallNow: () => number
  watch: Watch
}): Guard {
  const { verifier, revoked, wallNow, watch } = parts
  const checkToken = (token: string, options: CheckOptions): Decision | Promise<Decision> => {
    const nowMs = wallNow()
    try {
      const verified = verifier.verify(token, nowMs)
      checkType(verified, options)
      const fresh = isFresh(verified, nowMs)
      if (options.fresh === true && !fresh) {
        throw new RescindError('fresh_token_required', 'Log in again: this needs a fresh token.')
      }
      const verdict = revoked(verified)
      return verdict instanceof Promise
        ? verdict.then((settled) => decide(settled, { verified, fresh, watch }))
        : decide(verdict, { verified, fresh, watch })
    } catch (error) {
      return refuse(error)
    }
  }
  return {
    check(request, options = {}) {
      try {
        const token = bearerToken(request)
        if (token !== null) return checkToken(token, options)
      } catch (error) {
        return refuse(error)
      }
      if (options.optional === true) return { ok: true, principal: null }
      return { ok: false, error: new RescindError('token_missing', 'Send a token: Authorization: Bearer <token>.') }
    },
    checkToken: (token, options = {}) => checkToken(token, options),
  }
}

function checkType(verified: VerifiedToken, options: CheckOptions): void {
  const { type = 'access' } = options
  if (type !== 'any' && verified.type !== type) {
    throw new RescindError('wrong_token_type', `This needs ${type === 'access' ? 'an access' : 'a refresh'} token.`)
  }
}

function isFresh({ fresh }: VerifiedToken, nowMs: number): boolean {
  return typeof fresh === 'number' ? nowMs < fresh : fresh
}

function decide(
  verdict: RevocationVerdict,
  checked: { verified: VerifiedToken; fresh: boolean; watch: Watch },
): Decision {
  if (verdict instanceof RescindError) return { ok: false, error: verdict }
  if (verdict !== null) return { ok: false, error: new RescindError('token_revoked', 'The token has been revoked.') }
  return { ok: true, principal: new CheckedPrincipal(checked.verified, checked.fresh, checked.watch) }
}

function refuse(error: unknown): Decision {
  if (error instanceof RescindError) return { ok: false, error }
  throw error
}
