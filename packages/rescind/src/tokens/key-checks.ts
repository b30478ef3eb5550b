import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject, X509Certificate } from 'node:crypto'
import { RescindError } from '../base/errors.ts'
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
/** Fewer distinct bytes than this is a placeholder ("aaaa…"), not a secret. */
const MIN_DISTINCT_SECRET_BYTES = 8

/** A key that must not be used: `code` is `unsafe_key`, the message says what to do. It never quotes the key. */
export function unsafeKey(message: string): RescindError {
  return new RescindError('unsafe_key', message)
}

/**
 * Refuses an HMAC secret that is too short, is a placeholder, or is the text of some other key: verifying HMAC with a
 * public key as the secret is the classic confusion (RFC 8725 §2.1).
 */
export function checkSecret(secret: Buffer, alg: Algorithm, allowWeakSecret: boolean): void {
  const facts = algorithms[alg]
  if (facts.kind !== 'hmac') throw unsafeKey(`a secret cannot serve ${alg}; give a private or public key`)
  if (secret.length === 0) throw unsafeKey('the secret is empty; make one with 32 random bytes')
  if (looksLikeKeyMaterial(secret)) {
    throw unsafeKey(`the secret for ${alg} is the text of another key (PEM, JWK, SSH or DER); make a random secret`)
  }
  if (allowWeakSecret) return
  if (secret.length < facts.minSecretBytes) {
    throw unsafeKey(
      `the secret for ${alg} has ${secret.length} bytes and needs at least ${facts.minSecretBytes} (RFC 7518 §3.2); ` +
        'allowWeakSecret: true takes it all the same, for migrations',
    )
  }
  if (new Set(secret).size < MIN_DISTINCT_SECRET_BYTES) {
    throw unsafeKey('the secret repeats a few characters; make one with random bytes')
  }
}

/** Checks an asymmetric key against its algorithm; answers warnings that do not forbid its use. */
export function checkAsymmetricKey(key: KeyObject, alg: Algorithm): readonly string[] {
  const facts = algorithms[alg]
  const type = key.asymmetricKeyType
  const details = key.asymmetricKeyDetails ?? {}
  switch (facts.kind) {
    case 'hmac':
      throw unsafeKey(`a ${type ?? 'private or public'} key cannot serve ${alg}; give a secret or another algorithm`)
    case 'ec':
      if (type !== 'ec' || details.namedCurve !== facts.curve) {
        throw unsafeKey(`${alg} needs an EC key on ${facts.curve}, not ${type} ${details.namedCurve ?? ''}`.trimEnd())
      }
      return []
    case 'ed25519':
      if (type !== 'ed25519') throw unsafeKey(`${alg} needs an Ed25519 key, not ${type}`)
      if (isLowOrderPoint(key)) throw unsafeKey('the Ed25519 public key has low order: anyone can sign for it')
      return []
    case 'rsa':
      return checkRsa(type, details, alg)
  }
}

function checkRsa(
  type: string | undefined,
  details: NonNullable<KeyObject['asymmetricKeyDetails']>,
  alg: Algorithm,
): readonly string[] {
  // RFC 7517 has no way to publish a key of the rsa-pss type; the same numbers as rsaEncryption serve PS* as well.
  if (type === 'rsa-pss') throw unsafeKey('the key is of type RSA-PSS, which no JWK can hold: give it as plain RSA')
  if (type !== 'rsa') throw unsafeKey(`${alg} needs an RSA key, not ${type}`)
  const bits = details.modulusLength ?? 0
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) {
    throw unsafeKey(`the RSA key has ${bits} bits; ${alg} takes ${MIN_RSA_BITS} to ${MAX_RSA_BITS}`)
  }
  const exponent = details.publicExponent ?? 0n
  if (exponent < MIN_RSA_EXPONENT || exponent > MAX_RSA_EXPONENT || exponent % 2n === 0n) {
    throw unsafeKey('the RSA public exponent must be odd, at least 65537 and below 2^256')
  }
  return bits < STRONG_RSA_BITS ? [`the RSA key has ${bits} bits, less than 128 bits of strength: prefer 3072`] : []
}

/** Refuses a JWK whose own words forbid this use (RFC 7517 §4), or whose halves do not match. */
export function checkJwk(jwk: JsonWebKey, alg: Algorithm): void {
  if (jwk.alg !== undefined && jwk.alg !== alg) throw unsafeKey(`the JWK says alg ${String(jwk.alg)}, not ${alg}`)
  if (jwk.use !== undefined && jwk.use !== 'sig') throw unsafeKey('the JWK is not for signatures (use is not "sig")')
  if (jwk.key_ops !== undefined) {
    const needed = typeof jwk.d === 'string' ? 'sign' : 'verify'
    const ops: unknown = jwk.key_ops
    if (!Array.isArray(ops) || !(ops.includes(needed) || ops.includes('verify'))) {
      throw unsafeKey(`the JWK is not for signatures (key_ops lacks "${needed}")`)
    }
    if (new Set(ops).size !== ops.length) throw unsafeKey('the JWK repeats a value in key_ops')
  }
  for (const name of ['kty', 'crv', 'x', 'y', 'n', 'e', 'd', 'k', 'p', 'q', 'dp', 'dq', 'qi'] as const) {
    const value = jwk[name]
    if (value === undefined || name === 'kty' || name === 'crv') continue
    if (typeof value !== 'string' || Buffer.from(value, 'base64url').toString('base64url') !== value) {
      throw unsafeKey(`the JWK's "${name}" is not base64url`)
    }
  }
}

/** Refuses a private JWK whose public part belongs to another key. */
export function checkHalves(jwk: JsonWebKey, publicJwk: JsonWebKey): void {
  for (const name of ['x', 'y', 'n', 'e'] as const) {
    if (jwk[name] !== publicJwk[name]) throw unsafeKey("the JWK's private and public parts do not match")
  }
}

// PEM and SSH2 armour; SSH public keys, also as their base64 alone; JWK and JWKS, also quoted once more; PuTTY files.
/**
 * Refuses an RSA private key whose primes are not those of its modulus. Signing with it would still succeed, since
 * OpenSSL falls back on a slower way when the primes lead astray, so no trial signature shows it.
 */
export function checkPrimes(privateJwk: JsonWebKey): void {
  const { n, p, q } = privateJwk
  if (p === undefined || q === undefined || number(p) * number(q) !== number(n)) {
    throw unsafeKey("the RSA key's primes do not belong to its modulus")
  }
}

function number(base64url: string | undefined): bigint {
  return BigInt(`0x0${Buffer.from(base64url ?? '', 'base64url').toString('hex')}`)
}

const KEY_TEXT =
  /-{4,}\s*BEGIN|^ssh-|^ecdsa-sha2-|^sk-(ssh|ecdsa)-|AAAA[A-Z](3NzaC1|2VjZHNhLXNo|nNr)|\bkty\b[\\"']*\s*:|"keys"|^PuTTY-User-Key-File/

/** How many layers of base64 or hexadecimal are taken off to look for a key. */
const MAX_WRAPPINGS = 2

function looksLikeKeyMaterial(secret: Buffer, wrappings = MAX_WRAPPINGS): boolean {
  // A byte order mark, NUL bytes (of UTF-16 too) or white space around a key do not make it a secret.
  const text = secret.toString('utf8').replaceAll('\0', '').replaceAll('\ufeff', '').trim()
  if (KEY_TEXT.test(text) || isJsonText(text)) return true
  const der = secret.indexOf(DER_SEQUENCE)
  if (der !== -1 && isBlank(secret.subarray(0, der)) && isDerKey(secret.subarray(der))) return true
  if (wrappings === 0) return false
  const squeezed = text.replace(/\s+/g, '')
  if (/^([0-9a-f]{2})+$/i.test(squeezed) && looksLikeKeyMaterial(Buffer.from(squeezed, 'hex'), wrappings - 1))
    return true
  return /^[A-Za-z0-9+/_-]+=*$/.test(squeezed) && looksLikeKeyMaterial(Buffer.from(squeezed, 'base64'), wrappings - 1)
}

function isBlank(bytes: Buffer): boolean {
  return bytes.toString('utf8').replaceAll('\0', '').replaceAll('\ufeff', '').trim() === ''
}

// Parsed, not guessed by its brackets: of 65,536 random secrets one begins and ends with them.
function isJsonText(text: string): boolean {
  if (!text.startsWith('{')) return false
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const DER_SEQUENCE = 0x30

function isDerKey(der: Buffer): boolean {
  if (der[0] !== DER_SEQUENCE) return false
  const attempts = [
    () => createPublicKey({ key: der, format: 'der', type: 'spki' }),
    () => createPublicKey({ key: der, format: 'der', type: 'pkcs1' }),
    () => createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }),
    () => createPrivateKey({ key: der, format: 'der', type: 'pkcs1' }),
    () => createPrivateKey({ key: der, format: 'der', type: 'sec1' }),
    () => new X509Certificate(der),
  ]
  return attempts.some((attempt) => {
    try {
      attempt()
      return true
    } catch {
      return false
    }
  })
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

function isLowOrderPoint(key: KeyObject): boolean {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  const point = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
  const last = point.length - 1
  point[last] = (point[last] ?? 0) & 0x7f
  return LOW_ORDER_POINTS.has(point.toString('hex'))
}
