import type { JsonObject, JsonValue } from '../../base/types.ts'
import type { FlaskSettings } from './options.ts'
import { invalid } from './refusals.ts'

/** The last second that a JavaScript Date can hold. */
const MAX_NUMERIC_DATE = 8.64e12

/**
 * Checks the claims of a genuine token in PyJWT 2.12's terms and order, but for its end.
 *
 * @returns the claims with what the original adds to them, and whether the token has expired
 * @throws the refusal of a claim that is not as it should be
 */
export function checkClaims(
  payload: JsonObject,
  settings: FlaskSettings,
  nowMs: number,
): { claims: JsonObject; expired: boolean } {
  const now = nowMs / 1000
  const leeway = settings.JWT_DECODE_LEEWAY
  const iat = numericDate(payload.iat, 'Issued At claim (iat) must be an integer.')
  if (iat !== undefined && iat > now + leeway) throw invalid('The token is not yet valid (iat)')
  const nbf = numericDate(payload.nbf, 'Not Before claim (nbf) must be an integer.')
  if (nbf !== undefined && nbf > now + leeway) throw invalid('The token is not yet valid (nbf)')
  const exp = numericDate(payload.exp, 'Expiration Time claim (exp) must be an integer.')
  checkIssuer(payload.iss, settings.JWT_DECODE_ISSUER)
  checkAudience(payload.aud, settings.JWT_DECODE_AUDIENCE)
  if (settings.JWT_VERIFY_SUB && payload.sub !== undefined && typeof payload.sub !== 'string') {
    throw invalid('Subject must be a string')
  }
  if (payload.jti !== undefined && typeof payload.jti !== 'string') throw invalid('JWT ID must be a string')
  const identity = settings.JWT_IDENTITY_CLAIM
  if (!Object.hasOwn(payload, identity)) throw invalid(`Missing claim: ${identity}`)
  const claims = { type: 'access', fresh: false, jti: null, ...payload }
  return { claims, expired: exp !== undefined && exp <= now - leeway }
}

/** True for a token that is fresh now: by word, or until a time in seconds. */
export function isFresh({ fresh }: JsonObject, nowMs: number): boolean {
  return typeof fresh === 'number' ? fresh >= nowMs / 1000 : fresh === true
}

/** Whole seconds, as PyJWT cuts them off. Python would read digits out of a text, too, and crash on other types. */
function numericDate(value: JsonValue | undefined, words: string): number | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'number' || Math.abs(value) > MAX_NUMERIC_DATE) throw invalid(words)
  return Math.trunc(value)
}

function checkIssuer(iss: JsonValue | undefined, accepted: readonly string[] | null): void {
  if (accepted === null) return
  if (iss === undefined) throw invalid('Token is missing the "iss" claim')
  if (typeof iss !== 'string') throw invalid('Payload Issuer (iss) must be a string')
  if (!accepted.includes(iss)) throw invalid('Invalid issuer')
}

function checkAudience(aud: JsonValue | undefined, accepted: readonly string[] | null): void {
  if (accepted === null) return
  const isEmpty = aud === undefined || aud === null || aud === '' || aud === false || aud === 0
  if (isEmpty || (Array.isArray(aud) && aud.length === 0)) throw invalid('Token is missing the "aud" claim')
  const audiences: readonly JsonValue[] = Array.isArray(aud) ? aud : [aud]
  if (!audiences.every((audience) => typeof audience === 'string')) throw invalid('Invalid claim format in token')
  if (!audiences.some((audience) => accepted.includes(audience))) throw invalid("Audience doesn't match")
}
