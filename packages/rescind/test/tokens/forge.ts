import {
  constants,
  createHmac,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  sign as nodeSign,
  randomBytes,
} from 'node:crypto'
import {
  type Algorithm,
  algorithms,
  type CheckOptions,
  createKey,
  createKeyRing,
  createRescind,
  type Key,
  type KeyRing,
  type Rescind,
  RescindError,
  type RescindOptions,
} from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { createFakeClock, type FakeClock } from '../../src/testing/fake-clock.ts'

/** Where every fixture's clock stands. */
export const NOW_MS = 1_700_000_000_000
export const NOW = NOW_MS / 1000
export const ISSUER = 'https://issuer.example'
export const AUDIENCE = 'api'

/** One algorithm of each family. */
export const families = ['HS256', 'RS256', 'ES256', 'EdDSA'] as const
export type Family = (typeof families)[number]

/** The raw material of a key: node's objects, which sign whatever an attacker wants signed. */
export interface Material {
  readonly alg: Algorithm
  readonly kid: string
  /** Private, or a secret. */
  readonly signing: KeyObject
  /** Public, or the same secret. */
  readonly verifying: KeyObject
}

/** Makes new material; RSA of 2048 bits, for speed. */
export function makeMaterial(alg: Algorithm, kid = `key-${alg}`): Material {
  const facts = algorithms[alg]
  if (facts.kind === 'hmac') {
    const secret = createSecretKey(randomBytes(facts.minSecretBytes))
    return { alg, kid, signing: secret, verifying: secret }
  }
  const signing =
    facts.kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
      : facts.kind === 'ec'
        ? generateKeyPairSync('ec', { namedCurve: facts.curve }).privateKey
        : generateKeyPairSync('ed25519').privateKey
  return { alg, kid, signing, verifying: createPublicKey(signing) }
}

/** Signs with node:crypto alone, by the rules of `alg`. */
export function signAs(alg: Algorithm, key: KeyObject, input: string): Buffer {
  const facts = algorithms[alg]
  switch (facts.kind) {
    case 'hmac':
      return createHmac(facts.hash, key).update(input).digest()
    case 'rsa':
      return nodeSign(facts.hash, Buffer.from(input), {
        key,
        ...(facts.pss
          ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
          : { padding: constants.RSA_PKCS1_PADDING }),
      })
    case 'ec':
      return nodeSign(facts.hash, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' })
    case 'ed25519':
      return nodeSign(null, Buffer.from(input), key)
  }
}

/** base64url of text, of bytes, or of the JSON of anything else. */
export function b64(value: unknown): string {
  const bytes = typeof value === 'string' || Buffer.isBuffer(value) ? value : JSON.stringify(value)
  return Buffer.from(bytes as string).toString('base64url')
}

export type Json = Record<string, unknown>

/** Good claims, with changes; `undefined` takes a claim out. */
export function goodClaims(changes: Json = {}): Json {
  return {
    iss: ISSUER,
    sub: 'alice',
    aud: AUDIENCE,
    exp: NOW + 600,
    nbf: NOW,
    iat: NOW,
    jti: 'token-1',
    sid: 'session-1',
    type: 'access',
    ...changes,
  }
}

/** The JSON of good claims in which one is written as this raw text. */
export function rawClaims(name: string, text: string): string {
  return JSON.stringify(goodClaims({ [name]: '@raw@' })).replace('"@raw@"', text)
}

/** A token to be: header and payload are values, or the very text or bytes. */
export interface Order {
  readonly header?: unknown
  readonly payload?: unknown
  /** Replaces the genuine signature. */
  readonly sign?: (input: string) => Buffer
}

/** Writes a token with the fixture's key, whatever is in it. */
export function forge(material: Material, { header, payload, sign }: Order = {}): string {
  const input = `${b64(header ?? goodHeader(material))}.${b64(payload ?? goodClaims())}`
  const signature = sign ? sign(input) : signAs(material.alg, material.signing, input)
  return `${input}.${signature.toString('base64url')}`
}

export function goodHeader(material: Material, changes: Json = {}): Json {
  return { alg: material.alg, typ: 'JWT', kid: material.kid, ...changes }
}

/** The three segments of a token. */
export function split(token: string): [header: string, payload: string, signature: string] {
  const [header = '', payload = '', signature = ''] = token.split('.')
  return [header, payload, signature]
}

/** A running library, and the key its tokens are forged with. */
export interface Fixture {
  readonly auth: Rescind
  readonly clock: FakeClock
  readonly keys: KeyRing
  readonly material: Material
}

/** The key of this material, made from its JWK, which every runtime takes. */
export function keyOf({ signing, alg, kid }: Material): Key {
  return createKey(signing.export({ format: 'jwk' }), { alg, kid })
}

/** The public half alone. */
export function publicKeyOf({ verifying, alg, kid }: Material): Key {
  return createKey(verifying.export({ format: 'jwk' }), { alg, kid })
}

/** Starts the library with one key; issuer and audience are required unless `options` says otherwise. */
export async function startFixture(material: Material, options: Partial<RescindOptions> = {}): Promise<Fixture> {
  const clock = createFakeClock(NOW_MS)
  const keys = createKeyRing({ active: keyOf(material) })
  const auth = createRescind({
    store: memoryStore(),
    keys,
    clock,
    issuer: ISSUER,
    audience: AUDIENCE,
    clockToleranceMs: 0,
    ...options,
  })
  await auth.ready()
  return { auth, clock, keys, material }
}

/** What the library answers to a token: `accepted`, or the code of the refusal. Anything but a RescindError is thrown on. */
export async function answer(
  auth: Rescind,
  token: string,
  options?: Pick<CheckOptions, 'type' | 'fresh'>,
): Promise<string> {
  try {
    await auth.verify(token, options)
    return 'accepted'
  } catch (error) {
    if (error instanceof RescindError) return error.code
    throw error
  }
}

/** The other spellings of the last character of a segment that decode to the same bytes. */
export function trailingBitTwins(segment: string): string[] {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const bytes = Buffer.from(segment, 'base64url')
  return [...alphabet]
    .map((char) => segment.slice(0, -1) + char)
    .filter((twin) => twin !== segment && Buffer.from(twin, 'base64url').equals(bytes))
}

/** The order of the base point of P-256. */
export const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** The other valid ES256 signature of the same message: (r, n − s). */
export function otherEcdsaTwin(signature: Buffer): Buffer {
  const s = BigInt(`0x${signature.subarray(32).toString('hex')}`)
  return Buffer.concat([signature.subarray(0, 32), bigEndian(P256_ORDER - s, 32)])
}

export function bigEndian(value: bigint, length: number): Buffer {
  return Buffer.from(value.toString(16).padStart(length * 2, '0'), 'hex')
}
