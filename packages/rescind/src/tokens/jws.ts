import { decodeBase64Url, encodeBase64Url } from '#crypto'
import { RescindError } from '../base/errors.ts'
import type { Awaitable, JsonObject } from '../base/types.ts'
import { type Algorithm, isAlgorithm } from './algorithms.ts'
import type { KeyRing } from './key-ring.ts'
import type { Key } from './keys.ts'
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
/** Header members that no token of ours has and none is accepted with. */
export const REFUSED_HEADERS = ['crit', 'jwk', 'jku', 'x5u', 'x5c', 'b64', 'zip', 'enc'] as const

/**
 * Writes the compact serialization (RFC 7515 §7.1) of a payload, signed by `key`.
 * @param headers further header members; `alg`, `kid` and `typ` are the key's and the library's
 */
export async function signJws(payload: JsonObject, key: Key, headers: JsonObject = {}): Promise<string> {
  const header = { ...headers, alg: key.alg, typ: 'JWT', ...(key.kid === undefined ? {} : { kid: key.kid }) }
  const input = `${encodeBase64Url(JSON.stringify(header))}.${encodeBase64Url(JSON.stringify(payload))}`
  return `${input}.${encodeBase64Url(await key.sign(input))}`
}

/**
 * Reads a compact JWS and checks its signature, before anything of the payload is looked at.
 *
 * Only the canonical spelling is accepted: three segments of unpadded base64url whose unused bits are zero, so that a
 * token has no second spelling that is another string.
 *
 * @returns a promise where the keys of the ring verify by promises, which then rejects with what is thrown otherwise
 * @throws RescindError `token_malformed` for what is no JWS; `token_invalid` for one that no key of the ring signed
 */
export function verifyJws(token: string, keys: KeyRing): Awaitable<JwsContent> {
  const parts = splitJws(token)
  const { alg, kid } = checkHeader(parts.header, keys)
  const signature = decoded('signature', parts.signature)
  const payload = decoded('payload', parts.payload)
  const read = (signed: boolean): JwsContent => {
    if (!signed) throw invalid('The token signature does not match.')
    return { header: parts.header, payload: readPayload(payload) }
  }
  const signed = isSignedByOne(keys.candidates(alg, kid), parts.input, signature)
  return signed instanceof Promise ? signed.then(read) : read(signed)
}

/** Tries one key after the other. Anything but a plain "yes" is a no. */
function isSignedByOne(keys: readonly Key[], input: string, signature: Uint8Array): Awaitable<boolean> {
  for (const [at, key] of keys.entries()) {
    const verdict = key.verify(input, signature)
    if (verdict === true) return true
    if (verdict instanceof Promise) {
      return verdict.then((late) => late === true || isSignedByOne(keys.slice(at + 1), input, signature))
    }
  }
  return false
}

/**
 * Reads a compact JWS without checking its signature: what it says must not be believed. For choosing the keys.
 *
 * @throws RescindError `token_malformed` for what is no JWS
 */
export function peekJws(token: string): JwsContent {
  const { header, payload } = splitJws(token)
  return { header, payload: readPayload(decoded('payload', payload)) }
}

/** The parts of a token: its header, and the rest as it is written. `input` is what was signed. */
function splitJws(token: string): { header: JsonObject; payload: string; signature: string; input: string } {
  if (typeof token !== 'string') throw malformed('A token is a string.')
  if (token.length > MAX_TOKEN_LENGTH) throw malformed(`The token is longer than ${MAX_TOKEN_LENGTH} bytes.`)
  const first = token.indexOf('.')
  const second = token.indexOf('.', first + 1)
  if (first < 1 || second < first + 2 || token.indexOf('.', second + 1) !== -1) {
    throw malformed('A token has three segments, separated by dots.')
  }
  const bytes = decodeBase64Url(token.slice(0, first))
  const header = bytes && parseStrictObject(bytes)
  if (!header) throw malformed('The token header is not a JSON object in base64url.')
  const payload = token.slice(first + 1, second)
  return { header, payload, signature: token.slice(second + 1), input: token.slice(0, second) }
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

function checkHeader(header: JsonObject, keys: KeyRing): { alg: Algorithm; kid: string | undefined } {
  const { alg, kid, typ } = header
  if (!isAlgorithm(alg) || !keys.algorithms.has(alg)) throw invalid('The token algorithm is not accepted.')
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
