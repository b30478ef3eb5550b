import type { JsonWebKey } from 'node:crypto'
import { decodeBase64Url, encodeBase64Url, generateMaterial, openKey, openSecret, secretOf, sha256 } from '#crypto'
import { utf8 } from '../base/bytes.ts'
import { configError, unsafeKey } from '../base/errors.ts'
import { type RandomSource, systemRandom } from '../base/ids.ts'
import type { Awaitable } from '../base/types.ts'
import type { AsymmetricFacts, KeyMaterial, OpenedKey, OpenedSecret, Signer } from '../crypto/crypto.ts'
import { type Algorithm, algorithms, isAlgorithm } from './algorithms.ts'
import { checkJwkWords, checkPrimes, checkPublicJwk, rsaBits } from './key-checks.ts'
import { checkSecret } from './secret-checks.ts'

/** A checked key, bound to one algorithm for life. Made by {@link createKey} or {@link generateKey}. */
export interface Key {
  readonly alg: Algorithm
  /** Names the key in the `kid` header; `undefined` for a secret that was given no name. */
  readonly kid: string | undefined
  readonly canSign: boolean
  /** What is weak about the key, though it may be used. */
  readonly warnings: readonly string[]
  /**
   * The signature of `input` as a token holds it: in base64url. On Node at once, elsewhere by a promise. Throws
   * `invalid_config` for a public key.
   */
  sign(input: string): Awaitable<string>
  /** On Node at once, elsewhere by a promise. False also for a signature that is not base64url, canonically spelt. */
  verify(input: string, signature: string): Awaitable<boolean>
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

/** What {@link generateKey} may be told. */
export interface GenerateOptions {
  /** @default as {@link KeyOptions.kid} */
  readonly kid?: string
  /** Where a secret comes from; other keys are the runtime's to make. @default the operating system's generator */
  readonly random?: RandomSource
}

/** A key, and what is left to be done before its first use. */
interface BuiltKey {
  readonly key: Key
  readonly signer: Signer
}

const MAX_KID_LENGTH = 256
const CERTIFICATE = /-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----/

/**
 * Loads a key and refuses it if it is unsafe: type, curve and size must fit the algorithm, a secret must be long and
 * not the text of another key, private and public halves must match.
 *
 * With WebCrypto (Workers, browsers) halves are tried before the first use, which fails where they do not match; PEM is
 * read by {@link createKeyAsync} only.
 *
 * @param material a secret (string or bytes), PEM text, a JWK object, or a `KeyObject`
 * @throws RescindError `unsafe_key` with what to do about it; `invalid_config` for an unknown algorithm or a bad `kid`
 * @example
 * ```ts
 * const key = createKey(process.env.JWT_SECRET, { alg: 'HS256', kid: '2026-11' })
 * ```
 */
export function createKey(material: KeyMaterial, options: KeyOptions): Key {
  return atOnce(buildKey(material, options), 'PEM is read by a promise here: await createKeyAsync(), or give a JWK').key
}

/**
 * As {@link createKey}, for every material on every runtime; all checks are done when it resolves.
 *
 * @returns rejects with the codes that {@link createKey} throws, and with `invalid_config` where the runtime lacks the algorithm
 * @example
 * ```ts
 * const key = await createKeyAsync(env.PRIVATE_KEY_PEM, { alg: 'EdDSA' })
 * ```
 */
export async function createKeyAsync(material: KeyMaterial, options: KeyOptions): Promise<Key> {
  const { key, signer } = await buildKey(material, options)
  await signer.proved()
  return key
}

/**
 * Makes a new signing key: Ed25519, the algorithm's own curve, RSA of 3072 bits, or a secret as long as the hash. With
 * WebCrypto it makes secrets only; {@link generateKeyAsync} makes all.
 *
 * @throws RescindError `invalid_config` for an unknown algorithm, or a bad `kid`
 * @example
 * ```ts
 * const keys = createKeyRing({ active: generateKey('EdDSA') })
 * ```
 */
export function generateKey(alg: Algorithm, options: GenerateOptions = {}): Key {
  const material = atOnce(newMaterial(alg, options), 'this key is made by a promise here: await generateKeyAsync()')
  return createKey(material, { alg, ...named(options.kid) })
}

/**
 * As {@link generateKey}, for every algorithm on every runtime.
 *
 * @returns rejects with `invalid_config` for an unknown algorithm, a bad `kid`, and where the runtime lacks the algorithm
 */
export async function generateKeyAsync(alg: Algorithm, options: GenerateOptions = {}): Promise<Key> {
  return createKeyAsync(await newMaterial(alg, options), { alg, ...named(options.kid) })
}

function atOnce<T>(value: Awaitable<T>, instead: string): T {
  if (!(value instanceof Promise)) return value
  value.catch(() => {})
  throw configError(instead)
}

function newMaterial(alg: Algorithm, { random = systemRandom }: GenerateOptions): Awaitable<KeyMaterial> {
  const facts = factsOf(alg)
  if (facts.kind !== 'hmac') return generateMaterial(facts)
  const secret = new Uint8Array(facts.minSecretBytes)
  random(secret)
  return secret
}

function factsOf(alg: Algorithm) {
  if (!isAlgorithm(alg)) throw configError(`alg must be one of ${Object.keys(algorithms).join(', ')}`)
  return algorithms[alg]
}

function buildKey(material: KeyMaterial, options: KeyOptions): Awaitable<BuiltKey> {
  const { alg } = options
  const facts = factsOf(alg)
  const jwk = isObject(material) ? material : undefined
  if (jwk !== undefined) checkJwkWords(jwk, alg)
  const kid: unknown = options.kid ?? jwk?.kid
  if (kid !== undefined && (typeof kid !== 'string' || kid === '' || kid.length > MAX_KID_LENGTH)) {
    throw configError(`kid must be a string of 1 to ${MAX_KID_LENGTH} characters`)
  }
  if (facts.kind === 'hmac') {
    const secret = secretBytes(material, alg)
    checkSecret(secret, alg, options.allowWeakSecret ?? false)
    return secretKey(openSecret(secret, facts.hash), alg, kid)
  }
  let warnings: readonly string[] = []
  const order = {
    facts,
    check(publicJwk: JsonWebKey) {
      warnings = checkPublicJwk(publicJwk, alg)
    },
  }
  const built = (opened: OpenedKey) => asymmetricKey(opened, { alg, facts, warnings, kid })
  const opened = openKey(jwk ?? keyText(material), order)
  return opened instanceof Promise ? opened.then(built) : built(opened)
}

function isObject(material: unknown): material is JsonWebKey {
  return typeof material === 'object' && material !== null && !(material instanceof Uint8Array)
}

function secretBytes(material: KeyMaterial, alg: Algorithm): Uint8Array {
  if (typeof material === 'string') return utf8(material)
  // Not `slice`, which of a Buffer makes a view.
  if (material instanceof Uint8Array) return Uint8Array.from(material)
  const held = isObject(material) ? (secretOf(material) ?? octets(material)) : null
  if (held === null) throw unsafeKey(`${alg} needs a secret: a string, bytes, or a JWK with kty "oct"`)
  return held
}

function octets({ kty, k }: JsonWebKey): Uint8Array | null {
  return kty === 'oct' && typeof k === 'string' ? decodeBase64Url(k) : null
}

function keyText(material: KeyMaterial): string {
  const text = material instanceof Uint8Array ? new TextDecoder().decode(material) : material
  if (typeof text !== 'string') throw unsafeKey('there is no key: give PEM, a JWK or a KeyObject')
  if (CERTIFICATE.test(text)) {
    throw unsafeKey('a certificate is not a key: take the public key out of it, after checking whom it names')
  }
  return text
}

const ownKeys = new WeakSet<Key>()

function made(key: Key): Key {
  ownKeys.add(key)
  return Object.freeze(key)
}

/** Whether a key was made here, and not by a program that gives its own (a KMS, perhaps). */
export function isOwnKey(key: Key | undefined): boolean {
  return key !== undefined && ownKeys.has(key)
}

function secretKey(secret: OpenedSecret, alg: Algorithm, kid: string | undefined): BuiltKey {
  const { sign, verify } = secret
  const privateJwk = () => ({ kty: 'oct', k: encodeBase64Url(secret.bytes()), alg, use: 'sig', ...named(kid) })
  const key = { alg, kid, canSign: true, warnings: [], sign, verify, publicJwk: () => null, privateJwk }
  return { key: made(key), signer: secret }
}

function asymmetricKey(
  opened: OpenedKey,
  known: { alg: Algorithm; facts: AsymmetricFacts; warnings: readonly string[]; kid: string | undefined },
): BuiltKey {
  const { alg, facts, warnings } = known
  const { canSign, publicJwk } = opened
  if (canSign && facts.kind === 'rsa') checkPrimes(opened.privateJwk())
  const kid = known.kid ?? thumbprint(publicJwk)
  const signatureLength = Math.ceil((signatureBytes(facts, publicJwk) * 4) / 3)
  const key = {
    alg,
    kid,
    canSign,
    warnings,
    sign(input: string) {
      if (!canSign) throw configError('this key is public: it verifies and cannot sign')
      return opened.sign(input)
    },
    verify(input: string, signature: string) {
      return signature.length === signatureLength && opened.verify(input, signature)
    },
    publicJwk: () => ({ ...publicJwk, alg, use: 'sig', ...named(kid) }),
    privateJwk() {
      if (!canSign) throw configError('this key is public: it has no private half')
      return { ...opened.privateJwk(), alg, use: 'sig', ...named(kid) }
    },
  }
  return { key: made(key), signer: opened }
}

function signatureBytes(facts: AsymmetricFacts, publicJwk: JsonWebKey): number {
  switch (facts.kind) {
    case 'ed25519':
      return 64
    case 'ec':
      return facts.coordinateBytes * 2
    case 'rsa':
      return Math.ceil(rsaBits(publicJwk) / 8)
  }
}

function named(kid: string | undefined): { kid?: string } {
  return kid === undefined ? {} : { kid }
}

/** RFC 7638 §3: the SHA-256 of the required members, in lexicographic order. */
function thumbprint(jwk: JsonWebKey): string {
  const members =
    jwk.kty === 'RSA' ? ['e', 'kty', 'n'] : jwk.kty === 'EC' ? ['crv', 'kty', 'x', 'y'] : ['crv', 'kty', 'x']
  return encodeBase64Url(sha256(JSON.stringify(Object.fromEntries(members.map((name) => [name, jwk[name]])))))
}
