import type { JsonObject } from '../../base/types.ts'
import { isAlgorithm } from '../../tokens/algorithms.ts'
import { MAX_TOKEN_LENGTH } from '../../tokens/jws.ts'
import { parseStrictObject } from '../../tokens/strict-json.ts'
import { pythonBase64 } from './python-base64.ts'
import { pythonJsonFault } from './python-json.ts'

/** More of what a stranger wrote is not repeated. */
const MAX_NAME = 64

/** A token as it reads before its signature is checked: nothing of it may be trusted. */
export interface UnverifiedToken {
  readonly header: JsonObject
  readonly claims: JsonObject
}

/** The word for every token that reads well and is not ours, and for whatever PyJWT would have taken and we do not. */
const BAD_SIGNATURE = 'Signature verification failed'

/**
 * Reads a token without checking it, as the loader of the decode key is shown it.
 *
 * @returns the token, or PyJWT 2.12's words for what is wrong, in its order of checks
 */
export function readUnverified(token: string): UnverifiedToken | string {
  const last = token.lastIndexOf('.')
  const first = token.indexOf('.')
  if (first === last) return 'Not enough segments'
  if (token.length > MAX_TOKEN_LENGTH) return BAD_SIGNATURE
  const segments = {
    header: token.slice(0, first),
    payload: token.slice(first + 1, last),
    crypto: token.slice(last + 1),
  }
  const headerBytes = pythonBase64(segments.header)
  if (headerBytes === null) return 'Invalid header padding'
  const header = readObject('header', headerBytes)
  if (typeof header === 'string') return header
  const payloadBytes = pythonBase64(segments.payload)
  if (payloadBytes === null) return 'Invalid payload padding'
  if (pythonBase64(segments.crypto) === null) return 'Invalid crypto padding'
  const headerFault = wordsForHeader(header)
  if (headerFault !== null) return headerFault
  const claims = readObject('payload', payloadBytes)
  return typeof claims === 'string' ? claims : { header, claims }
}

/** PyJWT's words for a token that was refused; `accepted` are the algorithms that the configuration lists. */
export function wordsForRefusal(token: string, accepted: readonly string[]): string {
  const unverified = readUnverified(token)
  return typeof unverified === 'string' ? unverified : (wordsForAlgorithm(unverified.header, accepted) ?? BAD_SIGNATURE)
}

/** PyJWT's words for an algorithm that is not on the list, or that nobody here knows; `null` for a good one. */
function wordsForAlgorithm(header: JsonObject, accepted: readonly string[]): string | null {
  const { alg } = header
  if (alg === undefined) return 'Algorithm not specified'
  if (typeof alg !== 'string' || !accepted.includes(alg)) return 'The specified alg value is not allowed'
  return isAlgorithm(alg) ? null : 'Algorithm not supported'
}

function readObject(name: 'header' | 'payload', bytes: Buffer): JsonObject | string {
  const fault = pythonJsonFault(bytes)
  if (fault !== null) return `Invalid ${name} string: ${fault}`
  // Also for a member that comes twice, and for what no one should nest so deep: Python takes both.
  return parseStrictObject(bytes) ?? `Invalid ${name} string: must be a json object`
}

function wordsForHeader({ kid, crit, ...header }: JsonObject): string | null {
  if (kid !== undefined && typeof kid !== 'string') return 'Key ID header parameter must be a string'
  if (crit !== undefined) {
    if (!Array.isArray(crit) || crit.length === 0) return "Invalid 'crit' header: must be a non-empty list"
    for (const extension of crit) {
      if (typeof extension !== 'string') return "Invalid 'crit' header: values must be strings"
      if (extension !== 'b64') return `Unsupported critical extension: ${extension.slice(0, MAX_NAME)}`
      if (header.b64 === undefined) return `Critical extension '${extension}' is missing from headers`
    }
  }
  if (header.b64 !== false) return null
  return 'It is required that you pass in a value for the "detached_payload" argument to decode a message having the b64 header set to false.'
}
