import { isRequestErrorCode, RescindError } from '../../base/errors.ts'
import type { JsonValue } from '../../base/types.ts'
import { type Answer, problemAnswer } from '../../web/respond.ts'
import type { FlaskAnswer, FlaskLoaders } from './loaders.ts'
import type { FlaskSettings } from './options.ts'
import { type Refusal, refusalOf } from './refusals.ts'

const HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' }

/** Words refusals as the original does, or as the loaders would have them. The function that it makes never rejects. */
export function createAnswers<User, Subject>(
  loaders: FlaskLoaders<User, Subject>,
  { JWT_ERROR_MESSAGE_KEY: key, JWT_IDENTITY_CLAIM }: FlaskSettings,
  onFailure: (error: RescindError) => void,
): (error: RescindError) => Promise<Answer> {
  const message = (status: number, text: string): FlaskAnswer => ({ status, body: { [key]: text } })

  const answerTo = (refusal: Refusal): FlaskAnswer | Promise<FlaskAnswer> => {
    switch (refusal.kind) {
      case 'unauthorized':
        return loaders.unauthorized?.(refusal.reason) ?? message(401, refusal.reason)
      case 'invalid':
        return loaders.invalidToken?.(refusal.reason) ?? message(422, refusal.reason)
    }
    const { header, claims } = refusal.token
    switch (refusal.kind) {
      case 'expired':
        return loaders.expiredToken?.(header, claims) ?? message(401, 'Token has expired')
      case 'needsFresh':
        return loaders.needsFreshToken?.(header, claims) ?? message(401, 'Fresh token required')
      case 'revoked':
        return loaders.revokedToken?.(header, claims) ?? message(401, 'Token has been revoked')
      case 'verificationFailed':
        return loaders.tokenVerificationFailed?.(header, claims) ?? message(400, 'User claims verification failed')
      case 'userNotFound':
        return (
          loaders.userLookupError?.(header, claims) ??
          message(401, `Error loading the user ${inPython(claims[JWT_IDENTITY_CLAIM])}`)
        )
    }
  }

  const serverError = (error: RescindError): Answer => {
    onFailure(error)
    const { status, headers, body } = problemAnswer(error)
    const text =
      isRequestErrorCode(error.code) && error.code !== 'internal_error' ? body.detail : 'Internal Server Error'
    return { status, headers: { ...headers, ...HEADERS }, body: { [key]: text } }
  }

  return async (error) => {
    const refusal = refusalOf(error)
    if (refusal === undefined) return serverError(error)
    try {
      const { status, body, headers } = await answerTo(refusal)
      return { status, headers: { ...HEADERS, ...headers }, body }
    } catch (cause) {
      return serverError(new RescindError('internal_error', 'A loader failed.', { cause }))
    }
  }
}

/** As Python's `str` shows an identity; a list or an object as JSON does. */
function inPython(identity: JsonValue | undefined): string {
  if (identity === null || identity === undefined) return 'None'
  if (typeof identity === 'boolean') return identity ? 'True' : 'False'
  return typeof identity === 'object' ? JSON.stringify(identity) : String(identity)
}
