import {
  constants,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type JsonWebKey,
  KeyObject,
  sign as nodeSign,
  verify as nodeVerify,
  timingSafeEqual,
} from 'node:crypto'
import { configError } from '../base/errors.ts'
import { type RandomSource, systemRandom } from '../base/ids.ts'
import { type Algorithm, algorithms, isAlgorithm } from './algorithms.ts'
import { checkAsymmetricKey, checkHalves, checkJwk, checkPrimes, checkSecret, unsafeKey } from './key-checks.ts'

/** A checked key, bound to one algorithm for life. Made by {@link createKey} or {@link generateKey}. */
export interface Key {
  readonly alg: Algorithm
  /** Names the key in the `kid` header; `undefined` for a secret that was given no name. */
  readonly kid: string | undefined
  readonly canSign: boolean
  /** What is weak about the key, though it may be used. */
  readonly warnings: readonly string[]
  sign(input: string): Buffer
  verify(input: string, signature: Buffer): boolean
  /** The public JWK (RFC 7517), or `null` for a secret, which has no public half. */
  publicJwk(): JsonWebKey | null
  /** The private JWK or the secret itself. Throws `invalid_config` for a public key. */
  privateJwk(): JsonWebKey
}

/** What {@link createKey} is told about the material. */
export interface KeyOptions {
  /** The one algorithm the key will serve. */
  readonly alg: Algorithm
  /**
   * The key's name in the `kid` header.
   * @default the JWK's `kid`, else the RFC 7638 thumbprint; none for a secret, whose hash should not travel
   */
  readonly kid?: string
  /**
   * Takes an HMAC secret below the length that RFC 7518 §3.2 asks for.
   * @default false
   */
  readonly allowWeakSecret?: boolean
}

const MAX_KID_LENGTH = 256

/**
 * Loads a key and refuses it if it is unsafe: type, curve and size must fit the algorithm, a secret must be long and
 * not the text of another key, private and public halves must match.
 *
 * @param material a secret (string or bytes), PEM text, a JWK object, or a `KeyObject`
 * @throws RescindError `unsafe_key` with what to do about it; `invalid_config` for an unknown algorithm or a bad `kid`
 * @example
 * ```ts
 * const key = createKey(process.env.JWT_SECRET, { alg: 'HS256', kid: '2026-11' })
 * ```
 */
export function createKey(material: string | Uint8Array | JsonWebKey | KeyObject, options: KeyOptions): Key {
  const { alg } = options
  if (!isAlgorithm(alg)) throw configError(`alg must be one of ${Object.keys(algorithms).join(', ')}`)
  const jwk = isJwk(material) ? material : undefined
  if (jwk !== undefined) checkJwk(jwk, alg)
  const jwkKid: unknown = jwk?.kid
  const kid = options.kid ?? jwkKid
  if (kid !== undefined && (typeof kid !== 'string' || kid === '' || kid.length > MAX_KID_LENGTH)) {
    throw configError(`kid must be a string of 1 to ${MAX_KID_LENGTH} characters`)
  }
  if (algorithms[alg].kind === 'hmac') {
    const secret = secretBytes(material, alg)
    checkSecret(secret, alg, options.allowWeakSecret ?? false)
    return hmacKey(secret, alg, kid)
  }
  return asymmetricKey(asymmetricKeyObject(material, jwk, alg), alg, kid)
}

/**
 * Makes a new signing key: Ed25519, the algorithm's own curve, RSA of 3072 bits, or a secret as long as the hash.
 *
 * @example
 * ```ts
 * const keys = createKeyRing({ active: generateKey('EdDSA') })
 * ```
 */
export function generateKey(alg: Algorithm, options: { kid?: string; random?: RandomSource } = {}): Key {
  if (!isAlgorithm(alg)) throw configError(`alg must be one of ${Object.keys(algorithms).join(', ')}`)
  const facts = algorithms[alg]
  const rest = { alg, ...(options.kid === undefined ? {} : { kid: options.kid }) }
  switch (facts.kind) {
    case 'hmac': {
      const secret = new Uint8Array(facts.minSecretBytes)
      const random = options.random ?? systemRandom
      random(secret)
      return createKey(secret, rest)
    }
    case 'ed25519':
      return createKey(generateKeyPairSync('ed25519').privateKey, rest)
    case 'ec':
      return createKey(generateKeyPairSync('ec', { namedCurve: facts.curve }).privateKey, rest)
    case 'rsa':
      return createKey(generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey, rest)
  }
}

function isJwk(material: string | Uint8Array | JsonWebKey | KeyObject): material is JsonWebKey {
  return (
    typeof material === 'object' &&
    material !== null &&
    !(material instanceof Uint8Array) &&
    !(material instanceof KeyObject)
  )
}

function secretBytes(material: string | Uint8Array | JsonWebKey | KeyObject, alg: Algorithm): Buffer {
  if (typeof material === 'string') return Buffer.from(material, 'utf8')
  if (material instanceof Uint8Array) return Buffer.from(material)
  if (material instanceof KeyObject) {
    if (material.type !== 'secret') throw unsafeKey(`a ${material.type} key cannot be the secret of ${alg}`)
    return material.export()
  }
  if (material?.kty !== 'oct' || typeof material.k !== 'string') {
    throw unsafeKey(`${alg} needs a secret: a string, bytes, or a JWK with kty "oct"`)
  }
  return Buffer.from(material.k, 'base64url')
}

function asymmetricKeyObject(
  material: string | Uint8Array | JsonWebKey | KeyObject,
  jwk: JsonWebKey | undefined,
  alg: Algorithm,
): KeyObject {
  if (material instanceof KeyObject) {
    if (material.type === 'secret') throw unsafeKey(`a secret cannot serve ${alg}; give a private or public key`)
    return material
  }
  try {
    if (jwk !== undefined) {
      if (jwk.kty === 'oct') throw unsafeKey(`a secret cannot serve ${alg}; give a private or public key`)
      if (jwk.d === undefined) return createPublicKey({ key: jwk, format: 'jwk' })
      const key = createPrivateKey({ key: jwk, format: 'jwk' })
      checkHalves(jwk, createPublicKey(key).export({ format: 'jwk' }))
      return key
    }
    const pem = typeof material === 'string' ? material : Buffer.from(material as Uint8Array).toString('utf8')
    if (/-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----/.test(pem)) {
      throw unsafeKey('a certificate is not a key: take the public key out of it, after checking whom it names')
    }
    return /PRIVATE KEY-----/.test(pem) ? createPrivateKey(pem) : createPublicKey(pem)
  } catch (error) {
    if (error instanceof Error && error.name === 'RescindError') throw error
    throw unsafeKey(`the key for ${alg} cannot be read: give unencrypted PEM, a JWK or a KeyObject`)
  }
}

function hmacKey(secret: Buffer, alg: Algorithm, kid: string | undefined): Key {
  const facts = algorithms[alg]
  const hash = facts.kind === 'hmac' ? facts.hash : ''
  const key = createSecretKey(secret)
  const sign = (input: string): Buffer => createHmac(hash, key).update(input).digest()
  return Object.freeze({
    alg,
    kid,
    canSign: true,
    warnings: [],
    sign,
    verify(input: string, signature: Buffer) {
      const expected = sign(input)
      return signature.length === expected.length && timingSafeEqual(signature, expected)
    },
    publicJwk: () => null,
    privateJwk: () => ({ kty: 'oct', k: key.export().toString('base64url'), alg, use: 'sig', ...named(kid) }),
  })
}

function asymmetricKey(key: KeyObject, alg: Algorithm, givenKid: string | undefined): Key {
  const warnings = checkAsymmetricKey(key, alg)
  const publicKey = key.type === 'private' ? createPublicKey(key) : key
  const facts = algorithms[alg]
  const padding =
    facts.kind === 'rsa' && facts.pss
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
      : facts.kind === 'rsa'
        ? { padding: constants.RSA_PKCS1_PADDING }
        : { dsaEncoding: 'ieee-p1363' as const }
  const hash = facts.kind === 'ed25519' ? null : facts.kind === 'hmac' ? undefined : facts.hash
  const signatureBytes =
    facts.kind === 'ec'
      ? facts.coordinateBytes * 2
      : facts.kind === 'rsa'
        ? Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8)
        : 64
  const signing = { key, ...padding }
  const verifying = { key: publicKey, ...padding }
  const sign = (input: string): Buffer => {
    if (key.type !== 'private') throw configError('this key is public: it verifies and cannot sign')
    return nodeSign(hash, Buffer.from(input), signing)
  }
  const verify = (input: string, signature: Buffer): boolean =>
    signature.length === signatureBytes && nodeVerify(hash, Buffer.from(input), verifying, signature)
  // Catches what no inspection does: an RSA key whose primes, exponents and modulus do not belong together.
  if (key.type === 'private' && !signsForItself(sign, verify)) {
    throw unsafeKey("the key's private and public parts do not match")
  }
  if (key.type === 'private' && facts.kind === 'rsa') checkPrimes(key.export({ format: 'jwk' }))
  const bare = publicKey.export({ format: 'jwk' })
  const kid = givenKid ?? thumbprint(bare)
  return Object.freeze({
    alg,
    kid,
    canSign: key.type === 'private',
    warnings,
    sign,
    verify,
    publicJwk: () => ({ ...bare, alg, use: 'sig', ...named(kid) }),
    privateJwk: () => {
      if (key.type !== 'private') throw configError('this key is public: it has no private half')
      return { ...key.export({ format: 'jwk' }), alg, use: 'sig', ...named(kid) }
    },
  })
}

function signsForItself(sign: (input: string) => Buffer, verify: (input: string, signature: Buffer) => boolean) {
  try {
    return verify('rescind', sign('rescind'))
  } catch {
    return false
  }
}

function named(kid: string | undefined): { kid?: string } {
  return kid === undefined ? {} : { kid }
}

/** RFC 7638 §3: the SHA-256 of the required members, in lexicographic order. */
function thumbprint(jwk: JsonWebKey): string {
  const members =
    jwk.kty === 'RSA' ? ['e', 'kty', 'n'] : jwk.kty === 'EC' ? ['crv', 'kty', 'x', 'y'] : ['crv', 'kty', 'x']
  const text = JSON.stringify(Object.fromEntries(members.map((name) => [name, jwk[name]])))
  return createHash('sha256').update(text).digest('base64url')
}
