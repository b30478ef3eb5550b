import { RescindError } from '../base/errors.ts'
import { ID_RULE, isUsableId, uuidV7Time } from '../base/ids.ts'
import type { JsonObject, JsonValue, TokenType } from '../base/types.ts'
import { invalid, malformed } from './jws.ts'

/** The claims of a token in the forms the guard compares; times are milliseconds since the epoch. */
export interface TokenClaims {
  readonly jti: string
  readonly sid: string | undefined
  readonly sub: string
  readonly type: TokenType
  /** `true`, `false`, or the time until which the token is fresh. */
  readonly fresh: boolean | number
  /** When the user last proved who they are, where the token tells. */
  readonly authTimeMs: number | undefined
  /** What has to be submitted along with a cookie that holds this token. */
  readonly csrf: string | undefined
  readonly iatMs: number
  readonly nbfMs: number
  readonly expMs: number
}

/** Whose tokens are accepted, and how clocks may differ. */
export interface ClaimRules {
  readonly issuer: string | undefined
  readonly audience: string | undefined
  /** Accepted past `exp` and before `nbf`. */
  readonly leewayMs: number
  /** How far another machine's clock may run ahead: an `iat` or `nbf` this far in the future is accepted. */
  readonly clockToleranceMs: number
  /** A token made to live longer is refused: its revocation would be forgotten before it expires. */
  readonly maxTokenTtlMs: number
}

/** Claims the library writes itself; additional claims may not use these names. */
export const RESERVED_CLAIMS: ReadonlySet<string> = new Set([
  'iss',
  'sub',
  'aud',
  'exp',
  'nbf',
  'iat',
  'jti',
  'sid',
  'type',
  'fresh',
  'csrf',
  'auth_time',
  'derived',
])

/** `exp` and `iat` of one token may be rounded to whole seconds, each its own way. */
const ROUNDING_MS = 1_000
/** The last second a JavaScript Date can hold: a NumericDate beyond it is a mistake or an attack. */
const MAX_NUMERIC_DATE = 8.64e12

/**
 * Checks the form of every claim the library reads, and that the token is meant for us. Does not look at the clock.
 * @throws RescindError `token_malformed` for a claim of the wrong form; `token_invalid` for another issuer or audience
 */
export function readClaims(payload: JsonObject, rules: ClaimRules): TokenClaims {
  const exp = numericDate(payload, 'exp')
  const iat = numericDate(payload, 'iat')
  const nbf = payload.nbf === undefined ? iat : numericDate(payload, 'nbf')
  if ((exp - iat) * 1000 > rules.maxTokenTtlMs + ROUNDING_MS) {
    throw invalid('The token is made to live longer than revocations are kept.')
  }
  const type = payload.type
  if (type !== 'access' && type !== 'refresh') throw malformed('The token claim type must be "access" or "refresh".')
  const fresh = payload.fresh ?? false
  if (typeof fresh !== 'boolean' && !isNumericDate(fresh)) {
    throw malformed('The token claim fresh must be true, false or a NumericDate.')
  }
  checkIssuer(payload.iss, rules.issuer)
  checkAudience(payload.aud, rules.audience)
  const jti = id(payload, 'jti')
  return {
    jti,
    sid: payload.sid === undefined ? undefined : id(payload, 'sid'),
    sub: id(payload, 'sub'),
    type,
    fresh: typeof fresh === 'number' ? fresh * 1000 : fresh,
    authTimeMs: payload.auth_time === undefined ? undefined : numericDate(payload, 'auth_time') * 1000,
    csrf: typeof payload.csrf === 'string' && payload.csrf !== '' ? payload.csrf : undefined,
    iatMs: issuedAtMs(iat, jti),
    nbfMs: Math.round(nbf * 1000),
    expMs: Math.round(exp * 1000),
  }
}

/**
 * Checks the clock: `exp`, `nbf`, `iat` (RFC 7519 §4.1). Done for every request, also when the signature was cached.
 * @throws RescindError `token_expired`, or `token_invalid` for a token from the future
 */
export function checkTimes(claims: TokenClaims, rules: ClaimRules, nowMs: number): void {
  if (nowMs >= claims.expMs + rules.leewayMs) throw new RescindError('token_expired', 'The token has expired.')
  const latestStart = nowMs + rules.leewayMs + rules.clockToleranceMs
  if (claims.nbfMs > latestStart) throw invalid('The token is not yet valid (nbf).')
  if (claims.iatMs > latestStart) throw invalid('The token was issued in the future (iat).')
}

/**
 * Our tokens tell the second in `iat` and the millisecond in their id, so that a login right after a log-out-everywhere
 * falls on the right side of it. Others may tell it as a fraction; rounding undoes what that cannot hold.
 */
function issuedAtMs(iat: number, jti: string): number {
  const ms = uuidV7Time(jti)
  return Math.floor(ms / 1000) === iat ? ms : Math.round(iat * 1000)
}

function numericDate(payload: JsonObject, name: 'exp' | 'iat' | 'nbf' | 'auth_time'): number {
  const value = payload[name]
  if (!isNumericDate(value)) throw malformed(`The token claim ${name} must be a NumericDate.`)
  return value
}

function isNumericDate(value: JsonValue | undefined): value is number {
  return typeof value === 'number' && value >= 0 && value <= MAX_NUMERIC_DATE
}

function id(payload: JsonObject, name: 'jti' | 'sid' | 'sub'): string {
  const value = payload[name]
  if (!isUsableId(value)) throw malformed(`The token claim ${name} must be ${ID_RULE}.`)
  return value
}

function checkIssuer(iss: JsonValue | undefined, expected: string | undefined): void {
  if (iss !== undefined && typeof iss !== 'string') throw malformed('The token claim iss must be a string.')
  if (expected !== undefined && iss !== expected) throw invalid('The token has another issuer.')
}

function checkAudience(aud: JsonValue | undefined, expected: string | undefined): void {
  const audiences = aud === undefined ? [] : Array.isArray(aud) ? aud : [aud]
  if (audiences.some((name) => typeof name !== 'string')) {
    throw malformed('The token claim aud must be a string or an array of strings.')
  }
  if (expected === undefined) {
    // RFC 7519 §4.1.3: a token meant for an audience we do not identify with must be refused.
    if (aud !== undefined) throw invalid('The token is meant for an audience, and none is configured here.')
  } else if (!audiences.includes(expected)) throw invalid('The token is meant for another audience.')
}
