import { configError } from '../base/errors.ts'
import type { JsonObject, TokenType } from '../base/types.ts'
import { RESERVED_CLAIMS } from './claims.ts'
import { MAX_TOKEN_LENGTH, signJws } from './jws.ts'
import type { Key } from './keys.ts'

/** Everything that goes into one token. Times are milliseconds since the epoch. */
export interface TokenOrder {
  readonly type: TokenType
  readonly sub: string
  readonly jti: string
  readonly sid: string
  readonly fresh: boolean
  readonly issuedAtMs: number
  readonly expiresAtMs: number
  readonly issuer: string | undefined
  readonly audience: string | undefined
  /** Further claims; none of the names the library writes itself. */
  readonly claims: JsonObject | undefined
}

/**
 * Writes and signs one token. `iat` carries the milliseconds as a fraction (RFC 7519 §2 allows it), so that a token
 * minted in the same second as a log-out-everywhere falls on the right side of it; `exp` and `nbf` are whole seconds.
 *
 * @throws RescindError `invalid_config` when a claim's name is reserved or the token would be too long to be accepted
 */
export function mintToken(order: TokenOrder, key: Key): string {
  const { claims = {} } = order
  for (const name of Object.keys(claims)) {
    if (RESERVED_CLAIMS.has(name) || name === '__proto__') {
      throw configError(`the claim "${name}" is written by the library: choose another name`)
    }
  }
  const token = signJws(
    {
      ...claims,
      ...(order.issuer === undefined ? {} : { iss: order.issuer }),
      sub: order.sub,
      ...(order.audience === undefined ? {} : { aud: order.audience }),
      exp: Math.floor(order.expiresAtMs / 1000),
      nbf: Math.floor(order.issuedAtMs / 1000),
      iat: order.issuedAtMs / 1000,
      jti: order.jti,
      sid: order.sid,
      type: order.type,
      ...(order.type === 'access' ? { fresh: order.fresh } : {}),
    },
    key,
  )
  if (token.length > MAX_TOKEN_LENGTH) {
    throw configError(
      `the token has ${token.length} bytes and would be refused above ${MAX_TOKEN_LENGTH}: shorten the claims`,
    )
  }
  return token
}
