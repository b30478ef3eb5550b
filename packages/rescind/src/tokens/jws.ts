import { decodeBase64Url, encodeBase64Url } from '#crypto'
import { configError, RescindError } from '../base/errors.ts'
import type { Awaitable, JsonObject } from '../base/types.ts'
import { type Algorithm, isAlgorithm } from './algorithms.ts'
import type { KeyRing } from './key-ring.ts'
import { isOwnKey, type Key } from './keys.ts'
import { createKnownHeaders, type KnownHeader } from './known-headers.ts'
import { parseStrictObject } from './strict-json.ts'

/** What a token says. */
export interface JwsContent {
  readonly header: JsonObject
  readonly payload: JsonObject
}

/** Longer tokens are refused before any work is done on them. Bytes, which for a valid token are characters. */
export const MAX_TOKEN_LENGTH = 8192

/** The media types of RFC 7519 §5.1 and RFC 9068 §2.1; a token of another kind is not a session token. */
const TOKEN_TYPES = new Set(['jwt', 'at+jwt', 'application/at+jwt'])

// A key or certificate that travels with the token proves nothing (RFC 8725 §2.9), and the others change what the
// payload or the signature means (RFC 7797, RFC 7516).
/** What the header of a token of ours calls it. */
export type TokenTyp = 'JWT' | 'at+jwt'

/** Header members that no token of ours has and none is accepted with. */
export const REFUSED_HEADERS = ['crit', 'jwk', 'jku', 'x5u', 'x5c', 'b64', 'zip', 'enc'] as const

/**
 * Writes the compact serialization (RFC 7515 §7.1) of a payload, signed by `key`.
 * @param headers further header members; `alg`, `kid` and `typ` are the key's and the library's
 * @param typ what the header calls the token
 */
export function signJws(payload: JsonObject, key: Key, headers?: JsonObject, typ: TokenTyp = 'JWT'): Awaitable<string> {
  const input = `${headerSegment(key, headers, typ)}.${encodeBase64Url(JSON.stringify(payload))}`
  // A key of somebody else's may give anything.
  const signature: unknown = key.sign(input)
  const joined = (text: unknown) => {
    if (typeof text !== 'string') throw configError('a key must sign with text: the signature in base64url')
    return `${input}.${text}`
  }
  return typeof signature === 'string' ? joined(signature) : Promise.resolve(signature).then(joined)
}

const plainHeaders = { JWT: new WeakMap<Key, string>(), 'at+jwt': new WeakMap<Key, string>() }

/** The header of a key's tokens of one type is the same for all, unless one has members of its own. */
function headerSegment(key: Key, headers: JsonObject | undefined, typ: TokenTyp): string {
  const known = headers === undefined ? plainHeaders[typ].get(key) : undefined
  if (known !== undefined) return known
  const header = { ...headers, alg: key.alg, typ, ...(key.kid === undefined ? {} : { kid: key.kid }) }
  const segment = encodeBase64Url(JSON.stringify(header))
  if (headers === undefined) plainHeaders[typ].set(key, segment)
  return segment
}

/** Reads compact JWSs and checks their signatures. */
export interface JwsVerifier {
  /**
   * Checks the signature before anything of the payload is looked at.
   *
   * Only the canonical spelling is accepted: three segments of unpadded base64url whose unused bits are zero, so that a
   * token has no second spelling that is another string.
   *
   * @returns a promise where the keys of the ring verify by promises, which then rejects with what is thrown otherwise
   * @throws RescindError `token_malformed` for what is no JWS; `token_invalid` for one that no key of the ring signed
   */
  verify(token: string, keys: KeyRing): Awaitable<JwsContent>
}

/** Makes a {@link JwsVerifier}, which remembers the headers of good tokens. */
export function createJwsVerifier(): JwsVerifier {
  const known = createKnownHeaders()
  return {
    verify(token, ring) {
      checkLength(token)
      const before = known.find(token)
      const { payload, signature, input } = splitJws(token)
      const head = before ?? readHead(token)
      const { header, alg, kid } = head
      if (!ring.algorithms.has(alg)) throw notAccepted()
      const bytes = decoded('payload', payload)
      const read = (signed: boolean): JwsContent => {
        if (!signed) throw refused(signature)
        if (before === null) known.add(head)
        return { header, payload: readPayload(bytes) }
      }
      // Asked anew for each token: a key may have been retired since the header was last seen.
      const signed = isSignedByOne(ring.candidates(alg, kid), input, signature)
      return signed instanceof Promise ? signed.then(read) : read(signed)
    },
  }
}

/** Tries one key after the other. Anything but a plain "yes" is a no. */
function isSignedByOne(keys: readonly Key[], input: string, signature: string, first = 0): Awaitable<boolean> {
  for (let at = first; at < keys.length; at += 1) {
    const key = keys[at]
    const verdict = key?.verify(input, signature)
    if (verdict === true) return isSpeltOut(key, signature)
    if (verdict instanceof Promise) {
      return verdict.then((late) =>
        late === true ? isSpeltOut(key, signature) : isSignedByOne(keys, input, signature, at + 1),
      )
    }
  }
  return false
}

/** Our own keys take a signature in one spelling. Somebody else's may take several, and each would be another token. */
function isSpeltOut(key: Key | undefined, signature: string): boolean {
  return isOwnKey(key) || decodeBase64Url(signature) !== null
}

/** What no key signed: a segment that is not even base64url is told apart. */
function refused(signature: string): RescindError {
  return decodeBase64Url(signature) === null
    ? malformed('The token signature is not base64url.')
    : invalid('The token signature does not match.')
}

/**
 * Reads a compact JWS without checking its signature: what it says must not be believed. For choosing the keys.
 *
 * @throws RescindError `token_malformed` for what is no JWS
 */
export function peekJws(token: string): JwsContent {
  checkLength(token)
  const { payload } = splitJws(token)
  return { header: parseHead(token).header, payload: readPayload(decoded('payload', payload)) }
}

function checkLength(token: string): void {
  if (typeof token !== 'string') throw malformed('A token is a string.')
  if (token.length > MAX_TOKEN_LENGTH) throw malformed(`The token is longer than ${MAX_TOKEN_LENGTH} bytes.`)
}

function readHead(token: string): KnownHeader {
  const { text, header } = parseHead(token)
  return { text, header, ...checkHeader(header) }
}

function parseHead(token: string): { text: string; header: JsonObject } {
  const text = token.slice(0, token.indexOf('.') + 1)
  const bytes = decodeBase64Url(text.slice(0, -1))
  const header = bytes && parseStrictObject(bytes)
  if (!header) throw malformed('The token header is not a JSON object in base64url.')
  return { text, header }
}

/** The segments after the header, and what was signed. */
function splitJws(token: string): { payload: string; signature: string; input: string } {
  const first = token.indexOf('.')
  const second = token.indexOf('.', first + 1)
  if (first < 1 || second < first + 2 || token.includes('.', second + 1)) {
    throw malformed('A token has three segments, separated by dots.')
  }
  return { payload: token.slice(first + 1, second), signature: token.slice(second + 1), input: token.slice(0, second) }
}

function decoded(name: string, segment: string): Uint8Array {
  const bytes = decodeBase64Url(segment)
  if (bytes === null) throw malformed(`The token ${name} is not base64url.`)
  return bytes
}

function readPayload(bytes: Uint8Array): JsonObject {
  const payload = parseStrictObject(bytes)
  if (payload === null) throw malformed('The token payload is not a JSON object.')
  return payload
}

function notAccepted(): RescindError {
  return invalid('The token algorithm is not accepted.')
}

function checkHeader(header: JsonObject): { alg: Algorithm; kid: string | undefined } {
  const { alg, kid, typ } = header
  if (!isAlgorithm(alg)) throw notAccepted()
  if (kid !== undefined && typeof kid !== 'string') throw malformed('The token header kid must be a string.')
  if (typ !== undefined && !(typeof typ === 'string' && TOKEN_TYPES.has(typ.toLowerCase()))) {
    throw invalid('The token header typ is not that of an access or refresh token.')
  }
  for (const name of REFUSED_HEADERS) {
    if (Object.hasOwn(header, name)) throw invalid(`The token header has ${name}, which is not accepted.`)
  }
  return { alg, kid }
}

/** The refusal of something that is not a token. */
export function malformed(message: string): RescindError {
  return new RescindError('token_malformed', message)
}

/** The refusal of a token that is not ours to accept. */
export function invalid(message: string): RescindError {
  return new RescindError('token_invalid', message)
}
