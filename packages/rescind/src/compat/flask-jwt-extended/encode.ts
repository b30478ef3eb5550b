import { configError } from '../../base/errors.ts'
import { createIdSource, type RandomSource } from '../../base/ids.ts'
import type { JsonObject, JsonValue, TokenType } from '../../base/types.ts'
import { isAlgorithm } from '../../tokens/algorithms.ts'
import { MAX_TOKEN_LENGTH, signJws } from '../../tokens/jws.ts'
import type { Key } from '../../tokens/keys.ts'
import type { FlaskConfig } from './config.ts'
import { unnamed } from './keys.ts'
import type { FlaskLoaders } from './loaders.ts'
import { readSeconds, type TimeSpan } from './options.ts'
import { invalid } from './refusals.ts'

/** How a refresh token is created. */
export interface CreateOptions {
  /** Its life; `false` for no end. @default `JWT_ACCESS_TOKEN_EXPIRES` or `JWT_REFRESH_TOKEN_EXPIRES` */
  readonly expiresDelta?: TimeSpan | false | undefined
  /** Further claims. They win over the loader's and over the library's own. */
  readonly additionalClaims?: JsonObject | undefined
  /** Further header members. They win over the loader's. */
  readonly additionalHeaders?: JsonObject | undefined
}

/** How an access token is created. */
export interface CreateAccessOptions extends CreateOptions {
  /** Fresh for good, not at all, or for a span of time. @default false */
  readonly fresh?: boolean | TimeSpan | undefined
}

/** Makes a token for a subject. */
export type Encode<Subject> = (subject: Subject, type: TokenType, options?: CreateAccessOptions) => Promise<string>

/** Names of the header that would change what the token is, and get it refused where it is checked. */
const RESERVED_HEADERS = ['alg', 'typ', 'crit', 'b64', 'jwk', 'jku', 'x5u', 'x5c', 'zip', 'enc']
const CSRF_BYTES = 32

/** Composes loaders, options and the key. */
export function createEncode<User, Subject>(
  config: FlaskConfig,
  loaders: FlaskLoaders<User, Subject>,
  { wallNow, random }: { wallNow: () => number; random: RandomSource },
): Encode<Subject> {
  const { settings, keys, loadKey, csrf } = config
  const newId = createIdSource(random)

  const signingKey = async (subject: Subject): Promise<Key> => {
    const alg = settings.JWT_ALGORITHM
    if (loaders.encodeKey !== undefined && isAlgorithm(alg)) return loadKey(await loaders.encodeKey(subject), alg)
    if (keys.signing !== null) return keys.signing
    throw configError('JWT_PRIVATE_KEY (or JWT_SECRET_KEY) must be set to create tokens, or the encodeKey loader given')
  }

  const identityOf = async (subject: Subject): Promise<JsonValue> => {
    const identity: unknown = loaders.userIdentity === undefined ? subject : await loaders.userIdentity(subject)
    if (isJson(identity)) return identity
    throw configError('the identity of a token must be JSON: the userIdentity loader makes it so')
  }

  return async (subject, type, options = {}) => {
    const { fresh = false, additionalClaims, additionalHeaders } = options
    const headers = { ...(await loaders.additionalHeaders?.(subject)), ...additionalHeaders }
    checkHeaders(headers)
    const further = { ...(await loaders.additionalClaims?.(subject)), ...additionalClaims }
    const fallback = settings[type === 'access' ? 'JWT_ACCESS_TOKEN_EXPIRES' : 'JWT_REFRESH_TOKEN_EXPIRES']
    const { expiresDelta = fallback } = options
    const identity = await identityOf(subject)
    const nowMs = wallNow()
    const now = Math.floor(nowMs / 1000)
    const claims: JsonObject = {
      fresh: typeof fresh === 'boolean' ? fresh : nowMs / 1000 + readSeconds(fresh, 'fresh'),
      iat: now,
      jti: newId(nowMs),
      type,
      [settings.JWT_IDENTITY_CLAIM]: identity,
      ...(settings.JWT_ENCODE_NBF ? { nbf: now } : {}),
      ...(csrf === null ? {} : { csrf: newCsrf(random) }),
      ...audience(settings.JWT_ENCODE_AUDIENCE),
      ...(settings.JWT_ENCODE_ISSUER === null ? {} : { iss: settings.JWT_ENCODE_ISSUER }),
      ...(expiresDelta === false ? {} : { exp: Math.floor(nowMs / 1000 + readSeconds(expiresDelta, 'expiresDelta')) }),
      ...further,
    }
    if (claims.iss !== undefined && typeof claims.iss !== 'string') throw configError('the claim iss must be a string')
    const token = await signJws(claims, unnamed(await signingKey(subject)), headers)
    if (token.length <= MAX_TOKEN_LENGTH) return token
    throw configError(`the token has ${token.length} bytes and would be refused above ${MAX_TOKEN_LENGTH}`)
  }
}

function checkHeaders(headers: JsonObject): void {
  for (const name of RESERVED_HEADERS) {
    const isOurs = name === 'typ' && headers.typ === 'JWT'
    if (Object.hasOwn(headers, name) && !isOurs) throw configError(`the header "${name}" is the library's own`)
  }
  if (headers.kid !== undefined && typeof headers.kid !== 'string') {
    throw invalid('Key ID header parameter must be a string')
  }
}

/** One audience is written as a string, as it was given. */
function audience(names: readonly string[] | null): JsonObject {
  if (names === null) return {}
  const [first = ''] = names
  return { aud: names.length === 1 ? first : names }
}

/** 256 random bits, where the original has the 122 of a UUID. */
function newCsrf(random: RandomSource): string {
  const bytes = new Uint8Array(CSRF_BYTES)
  random(bytes)
  return Buffer.from(bytes).toString('base64url')
}

function isJson(value: unknown): value is JsonValue {
  return value === null || ['string', 'number', 'boolean', 'object'].includes(typeof value)
}
