import { RescindError } from '../../base/errors.ts'
import type { JsonObject } from '../../base/types.ts'
import type { RequestErrorCode } from '../../wire.ts'

/** A token that a loader is shown. */
export interface ShownToken {
  readonly header: JsonObject
  readonly claims: JsonObject
}

/** Why the original refuses a request: each kind has a loader that words the answer. */
export type Refusal =
  | { readonly kind: 'unauthorized' | 'invalid'; readonly reason: string }
  | {
      readonly kind: 'expired' | 'needsFresh' | 'revoked' | 'verificationFailed' | 'userNotFound'
      readonly token: ShownToken
    }

/** What was found out about a token stays out of the error, which ends up in logs: claims hold CSRF secrets. */
const refusals = new WeakMap<RescindError, Refusal>()

/** The error of a request without a (usable) token. */
export function unauthorized(reason: string, code: RequestErrorCode = 'token_missing'): RescindError {
  return remember(new RescindError(code, reason), { kind: 'unauthorized', reason })
}

/** The error of a token, or of what carries it, that is not as it should be. */
export function invalid(reason: string, code: RequestErrorCode = 'token_invalid'): RescindError {
  return remember(new RescindError(code, reason), { kind: 'invalid', reason })
}

const STATED = {
  // PyJWT's words, for whoever decodes a token by hand; a request is answered in those of the original.
  expired: ['token_expired', 'Signature has expired'],
  needsFresh: ['fresh_token_required', 'Fresh token required'],
  revoked: ['token_revoked', 'Token has been revoked'],
  verificationFailed: ['claims_rejected', 'User claims verification failed'],
  userNotFound: ['user_not_found', 'Error loading the user'],
} as const satisfies Record<string, readonly [RequestErrorCode, string]>

/** The error of a genuine token that is refused for what it says. */
export function refused(kind: keyof typeof STATED, { header, claims }: ShownToken): RescindError {
  const [code, message] = STATED[kind]
  return remember(new RescindError(code, message), { kind, token: { header, claims } })
}

/** Why a request was refused; `undefined` for an error that is none of the original's. */
export function refusalOf(error: RescindError): Refusal | undefined {
  return refusals.get(error)
}

function remember(error: RescindError, refusal: Refusal): RescindError {
  refusals.set(error, refusal)
  return error
}
