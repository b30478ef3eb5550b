import { fromBase64Url, toBase64Url } from './base64url.ts'
import type { RuntimeCrypto } from './crypto.ts'
import { sha256Of } from './sha256.ts'

export { generateMaterial, openKey, openSecret } from './web-keys.ts'

/** `getRandomValues` gives no more at once. */
const MOST_RANDOM_BYTES = 65_536
const encoder = new TextEncoder()

/** See {@link RuntimeCrypto}. */
export const fillRandom: RuntimeCrypto['fillRandom'] = (bytes) => {
  for (let at = 0; at < bytes.length; at += MOST_RANDOM_BYTES) {
    crypto.getRandomValues(bytes.subarray(at, at + MOST_RANDOM_BYTES))
  }
}

/** See {@link RuntimeCrypto}. */
export const sha256: RuntimeCrypto['sha256'] = (...parts) => {
  const pieces = parts.map(asBytes)
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return sha256Of(whole)
}

/** See {@link RuntimeCrypto}. */
export const encodeBase64Url: RuntimeCrypto['encodeBase64Url'] = (data) => toBase64Url(asBytes(data))

/** See {@link RuntimeCrypto}. */
export const decodeBase64Url: RuntimeCrypto['decodeBase64Url'] = fromBase64Url

/** See {@link RuntimeCrypto}. */
export const sameBytes: RuntimeCrypto['sameBytes'] = (a, b) => {
  let difference = a.length ^ b.length
  for (const [at, byte] of a.entries()) difference |= byte ^ (b[at] ?? 0)
  return difference === 0
}

/** There is no `KeyObject` here. */
export const secretOf: RuntimeCrypto['secretOf'] = () => null

function asBytes(data: string | Uint8Array): Uint8Array {
  return typeof data === 'string' ? encoder.encode(data) : data
}
