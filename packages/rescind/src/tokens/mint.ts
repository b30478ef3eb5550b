import { configError } from '../base/errors.ts'
import type { Awaitable, JsonObject, TokenType } from '../base/types.ts'
import { RESERVED_CLAIMS } from './claims.ts'
import { MAX_TOKEN_LENGTH, REFUSED_HEADERS, signJws, type TokenTyp } from './jws.ts'
import type { Key } from './keys.ts'
import { parseStrictObject } from './strict-json.ts'

const RESERVED_HEADERS: ReadonlySet<string> = new Set([...REFUSED_HEADERS, 'alg', 'typ', 'kid'])

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
  /** Which of them the `claims` hook has made. */
  readonly derived: readonly string[]
  /** Further header members; `alg`, `typ` and `kid` are the library's. */
  readonly headers: JsonObject | undefined
  readonly typ: TokenTyp
}

/**
 * Writes and signs one token. All its times are whole seconds: some verifiers take nothing else. The millisecond of issue,
 * which tells a token minted in the second of a log-out-everywhere from one minted before, is in the UUIDv7 of the `jti`.
 *
 * @returns a promise where the key signs by promises, which then rejects with what is thrown otherwise
 * @throws RescindError `invalid_config` for a token that would be refused: a name that is reserved, a value that is not
 * JSON or nests too deeply, a header member that is not accepted, too long
 */
export function mintToken(order: TokenOrder, key: Key): Awaitable<string> {
  const { claims, headers } = order
  if (claims !== undefined) checkNames('claim', claims, RESERVED_CLAIMS)
  if (headers !== undefined) checkNames('header member', headers, RESERVED_HEADERS)
  const token = signJws(payloadOf(order), key, headers, order.typ)
  return token instanceof Promise ? token.then(checkedLength) : checkedLength(token)
}

// Member by member, and `undefined` for what JSON is to leave out: spreading objects together takes twice as long.
function payloadOf(order: TokenOrder): JsonObject {
  const { claims, issuedAtMs, type } = order
  const iat = Math.floor(issuedAtMs / 1000)
  const own = {
    iss: order.issuer,
    sub: order.sub,
    aud: order.audience,
    exp: Math.floor(order.expiresAtMs / 1000),
    nbf: iat,
    iat,
    jti: order.jti,
    sid: order.sid,
    type,
    fresh: type === 'access' ? freshClaim(order.fresh) : undefined,
    auth_time: order.authTimeMs === undefined ? undefined : Math.floor(order.authTimeMs / 1000),
    csrf: order.csrf,
    derived: order.derived.length === 0 ? undefined : order.derived,
  }
  return (claims === undefined ? own : { ...claims, ...own }) as JsonObject
}

function checkedLength(token: string): string {
  if (token.length <= MAX_TOKEN_LENGTH) return token
  throw configError(
    `the token has ${token.length} bytes and would be refused above ${MAX_TOKEN_LENGTH}: shorten the claims`,
  )
}

function freshClaim(fresh: boolean | number): boolean | number {
  return typeof fresh === 'number' ? Math.floor(fresh / 1000) : fresh
}

/** What is signed has to be accepted: reading is stricter than writing. */
function checkNames(what: string, values: JsonObject, reserved: ReadonlySet<string>): void {
  const names = Object.keys(values)
  if (names.length === 0) return
  for (const name of names) {
    if (reserved.has(name) || name === '__proto__') {
      throw configError(`the ${what} "${name}" is written by the library, or not accepted: choose another name`)
    }
  }
  let text: string
  try {
    text = JSON.stringify(values)
  } catch (cause) {
    throw configError(`a ${what} is not JSON: ${cause instanceof Error ? cause.message : 'it cannot be written'}`)
  }
  if (parseStrictObject(new TextEncoder().encode(`{"within":${text}}`)) === null) {
    throw configError(`a ${what} nests too deeply, or has a name that is not accepted`)
  }
}
