import type { JsonWebKey } from 'node:crypto'
import { decodeBase64Url } from '#crypto'
import { hex } from '../base/bytes.ts'
import { unsafeKey } from '../base/errors.ts'
import { type Algorithm, algorithms } from './algorithms.ts'

/** Refused for ever: RFC 7518 §3.3 asks for 2048 bits. */
const MIN_RSA_BITS = 2048
/** Below this RSA offers less than 128 bits of strength (NIST SP 800-57 part 1, table 2). */
const STRONG_RSA_BITS = 3072
/** A larger modulus only makes each verification slow. */
const MAX_RSA_BITS = 8192
/** FIPS 186-5 §5.1: 2^16 < e < 2^256. */
const MIN_RSA_EXPONENT = 65_537n
const MAX_RSA_EXPONENT = 2n ** 256n
const ED25519_BYTES = 32

/** Checks the public members of a key against its algorithm; answers warnings that do not forbid its use. */
export function checkPublicJwk(jwk: JsonWebKey, alg: Algorithm): readonly string[] {
  const facts = algorithms[alg]
  switch (facts.kind) {
    case 'hmac':
      throw unsafeKey(`a private or public key cannot serve ${alg}; give a secret or another algorithm`)
    case 'ec':
      if (jwk.kty !== 'EC' || jwk.crv !== facts.curve) throw unsafeKey(`${alg} needs an EC key on ${facts.curve}`)
      if ([jwk.x, jwk.y].some((coordinate) => bytesOf(coordinate).length !== facts.coordinateBytes)) {
        throw unsafeKey(`the coordinates of a key for ${alg} have ${facts.coordinateBytes} bytes`)
      }
      return []
    case 'ed25519':
      if (jwk.kty !== 'OKP' || jwk.crv !== 'Ed25519') throw unsafeKey(`${alg} needs an Ed25519 key`)
      checkEd25519Point(bytesOf(jwk.x))
      return []
    case 'rsa':
      if (jwk.kty !== 'RSA') throw unsafeKey(`${alg} needs an RSA key`)
      return checkRsa(jwk, alg)
  }
}

function checkRsa(jwk: JsonWebKey, alg: Algorithm): readonly string[] {
  const bits = rsaBits(jwk)
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) {
    throw unsafeKey(`the RSA key has ${bits} bits; ${alg} takes ${MIN_RSA_BITS} to ${MAX_RSA_BITS}`)
  }
  const exponent = numberOf(jwk.e)
  if (exponent < MIN_RSA_EXPONENT || exponent > MAX_RSA_EXPONENT || exponent % 2n === 0n) {
    throw unsafeKey('the RSA public exponent must be odd, at least 65537 and below 2^256')
  }
  return bits < STRONG_RSA_BITS ? [`the RSA key has ${bits} bits, less than 128 bits of strength: prefer 3072`] : []
}

/** The size of an RSA key in bits. */
export function rsaBits(jwk: JsonWebKey): number {
  return numberOf(jwk.n).toString(2).length
}

/** Refuses a JWK whose own words forbid this use (RFC 7517 §4), or whose numbers are not base64url. */
export function checkJwkWords(jwk: JsonWebKey, alg: Algorithm): void {
  if (jwk.alg !== undefined && jwk.alg !== alg) throw unsafeKey(`the JWK says another alg than ${alg}`)
  if (jwk.use !== undefined && jwk.use !== 'sig') throw unsafeKey('the JWK is not for signatures (use is not "sig")')
  if (jwk.key_ops !== undefined) {
    const needed = typeof jwk.d === 'string' ? 'sign' : 'verify'
    const ops: unknown = jwk.key_ops
    if (!Array.isArray(ops) || !(ops.includes(needed) || ops.includes('verify'))) {
      throw unsafeKey(`the JWK is not for signatures (key_ops lacks "${needed}")`)
    }
    if (new Set(ops).size !== ops.length) throw unsafeKey('the JWK repeats a value in key_ops')
  }
  for (const name of ['x', 'y', 'n', 'e', 'd', 'k', 'p', 'q', 'dp', 'dq', 'qi'] as const) {
    const value: unknown = jwk[name]
    if (value === undefined) continue
    if (typeof value !== 'string' || decodeBase64Url(value) === null) {
      throw unsafeKey(`the JWK's "${name}" is not base64url`)
    }
  }
}

/**
 * Refuses an RSA private key whose primes are not those of its modulus. Signing with it would still succeed, since
 * OpenSSL falls back on a slower way when the primes lead astray, so no trial signature shows it.
 */
export function checkPrimes({ n, p, q }: JsonWebKey): void {
  if (p === undefined || q === undefined || numberOf(p) * numberOf(q) !== numberOf(n)) {
    throw unsafeKey("the RSA key's primes do not belong to its modulus")
  }
}

// The encodings of the points of order 1, 2, 4 and 8, without the sign bit (RFC 8032 §5.1.3; Chalkias et al. 2020).
const LOW_ORDER_POINTS = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
])

function checkEd25519Point(point: Uint8Array): void {
  if (point.length !== ED25519_BYTES) throw unsafeKey(`an Ed25519 public key has ${ED25519_BYTES} bytes`)
  const last = point.length - 1
  const unsigned = point.with(last, (point[last] ?? 0) & 0x7f)
  if (LOW_ORDER_POINTS.has(hex(unsigned)))
    throw unsafeKey('the Ed25519 public key has low order: anyone can sign for it')
}

function bytesOf(base64url: string | undefined): Uint8Array {
  return decodeBase64Url(base64url ?? '') ?? new Uint8Array()
}

function numberOf(base64url: string | undefined): bigint {
  return BigInt(`0x0${hex(bytesOf(base64url))}`)
}
