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
  /** Left out for a token that belongs to no session. */
  readonly sid: string | undefined
  /** The time in milliseconds until which it is fresh, or whether it is for as long as it lives. */
  readonly fresh: boolean | number
  readonly issuedAtMs: number
  readonly expiresAtMs: number
  readonly issuer: string | undefined
  readonly audience: string | undefined
  /** When the user last proved who they are. */
  readonly authTimeMs: number | undefined
  /** What a request that carries the token in a cookie has to submit as well; `undefined` for none. */
  readonly csrf: string | undefined
  /** Further claims; none of the names the library writes itself. */
  readonly claims: JsonObject | undefined
  /** Further header members; `alg`, `typ` and `kid` are the library's. */
  readonly headers: JsonObject | undefined
}

/**
 * Writes and signs one token. All its times are whole seconds: some verifiers take nothing else. The millisecond of issue,
 * which tells a token minted in the second of a log-out-everywhere from one minted before, is in the UUIDv7 of the `jti`.
 *
 * @returns rejects with `invalid_config` when a claim's name is reserved or the token would be too long to be accepted
 */
export async function mintToken(order: TokenOrder, key: Key): Promise<string> {
  const { claims = {} } = order
  for (const name of Object.keys(claims)) {
    if (RESERVED_CLAIMS.has(name) || name === '__proto__') {
      throw configError(`the claim "${name}" is written by the library: choose another name`)
    }
  }
  const token = await signJws(
    {
      ...claims,
      ...(order.issuer === undefined ? {} : { iss: order.issuer }),
      sub: order.sub,
      ...(order.audience === undefined ? {} : { aud: order.audience }),
      exp: Math.floor(order.expiresAtMs / 1000),
      nbf: Math.floor(order.issuedAtMs / 1000),
      iat: Math.floor(order.issuedAtMs / 1000),
      jti: order.jti,
      ...(order.sid === undefined ? {} : { sid: order.sid }),
      type: order.type,
      ...(order.type === 'access' ? { fresh: freshClaim(order.fresh) } : {}),
      ...(order.authTimeMs === undefined ? {} : { auth_time: Math.floor(order.authTimeMs / 1000) }),
      ...(order.csrf === undefined ? {} : { csrf: order.csrf }),
    },
    key,
    order.headers,
  )
  if (token.length > MAX_TOKEN_LENGTH) {
    throw configError(
      `the token has ${token.length} bytes and would be refused above ${MAX_TOKEN_LENGTH}: shorten the claims`,
    )
  }
  return token
}

function freshClaim(fresh: boolean | number): boolean | number {
  return typeof fresh === 'number' ? Math.floor(fresh / 1000) : fresh
}
