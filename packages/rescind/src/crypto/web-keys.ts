import type { JsonWebKey, webcrypto } from 'node:crypto'
import { configError, RescindError, unsafeKey } from '../base/errors.ts'
import { fromBase64Url, toBase64Url } from './base64url.ts'
import {
  type AsymmetricFacts,
  type KeyOrder,
  mismatch,
  type OpenedKey,
  type OpenedSecret,
  PROBE,
  type RuntimeCrypto,
  type Signer,
} from './crypto.ts'

/** What WebCrypto is told to import a key, to sign and to verify; each call takes the members that it knows. */
interface Params {
  readonly name: string
  readonly hash?: string
  readonly namedCurve?: string
  readonly saltLength?: number
}

interface KeyPair {
  /** `null` for a public key. */
  readonly signing: webcrypto.CryptoKey | null
  readonly verifying: webcrypto.CryptoKey
}

const PUBLIC_MEMBERS = ['kty', 'crv', 'x', 'y', 'n', 'e']
const PRIVATE_MEMBERS = [...PUBLIC_MEMBERS, 'd', 'p', 'q', 'dp', 'dq', 'qi']
const RSA_GENERATION = { modulusLength: 3072, publicExponent: Uint8Array.of(1, 0, 1) }
const encoder = new TextEncoder()

/** See {@link RuntimeCrypto}. */
export const openSecret: RuntimeCrypto['openSecret'] = (secret, hash): OpenedSecret => {
  const kept = Uint8Array.from(secret)
  const params = { name: 'HMAC', hash: webHash(hash) }
  const open = async (): Promise<KeyPair> => {
    const key = await crypto.subtle.importKey('raw', kept, params, false, ['sign', 'verify'])
    return { signing: key, verifying: key }
  }
  return { ...signer(open, params), bytes: () => kept.slice() }
}

/** See {@link RuntimeCrypto}. A JWK is opened at once and proved before its first use; PEM is read asynchronously. */
export const openKey: RuntimeCrypto['openKey'] = (material, order): OpenedKey | Promise<OpenedKey> => {
  const params = paramsOf(order.facts)
  if (typeof material === 'string') return readPem(material, params).then((jwk) => openJwk(jwk, params, order))
  return openJwk(material, params, order)
}

/** See {@link RuntimeCrypto}. */
export const generateMaterial: RuntimeCrypto['generateMaterial'] = async (facts): Promise<JsonWebKey> => {
  const params = paramsOf(facts)
  const jwk = await told(params, async () => {
    const made = await crypto.subtle.generateKey({ ...params, ...RSA_GENERATION }, true, ['sign', 'verify'])
    return 'privateKey' in made ? crypto.subtle.exportKey('jwk', made.privateKey) : {}
  })
  // Only the members: what else WebCrypto says of the key (`alg`, `key_ops`) is in its words, not JOSE's.
  return members(jwk, PRIVATE_MEMBERS)
}

function openJwk(jwk: object, params: Params, { check }: KeyOrder): OpenedKey {
  const publicJwk = members(jwk, PUBLIC_MEMBERS)
  const privateJwk = members(jwk, PRIVATE_MEMBERS)
  check(publicJwk)
  const canSign = privateJwk.d !== undefined
  const open = async (): Promise<KeyPair> => {
    const verifying = await crypto.subtle.importKey('jwk', publicJwk, params, false, ['verify'])
    if (!canSign) return { signing: null, verifying }
    const signing = await crypto.subtle.importKey('jwk', privateJwk, params, false, ['sign'])
    const probe = encoder.encode(PROBE)
    const signature = await crypto.subtle.sign(params, signing, probe)
    if (!(await crypto.subtle.verify(params, verifying, signature, probe))) throw mismatch()
    return { signing, verifying }
  }
  return { ...signer(open, params), canSign, publicJwk, privateJwk: () => ({ ...privateJwk }) }
}

/** Opens the keys when they are first needed, and once. A key that cannot be opened neither signs nor verifies, ever. */
function signer(open: () => Promise<KeyPair>, params: Params): Signer {
  let opening: Promise<KeyPair> | undefined
  const opened = (): Promise<KeyPair> => {
    opening ??= told(params, open)
    return opening
  }
  return {
    async sign(input) {
      const { signing } = await opened()
      if (signing === null) throw configError('this key is public: it verifies and cannot sign')
      return toBase64Url(new Uint8Array(await crypto.subtle.sign(params, signing, encoder.encode(input))))
    },
    async verify(input, signature) {
      const { verifying } = await opened()
      const bytes = fromBase64Url(signature)
      return bytes !== null && crypto.subtle.verify(params, verifying, bytes, encoder.encode(input))
    },
    async proved() {
      await opened()
    },
  }
}

async function readPem(pem: string, params: Params): Promise<object> {
  const [, half, body = ''] = /-----BEGIN (PRIVATE|PUBLIC) KEY-----([^-]+)-----END \1 KEY-----/.exec(pem) ?? []
  const base64 = body.replace(/\s+/g, '').replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_')
  const der = fromBase64Url(base64)
  if (half === undefined || der === null) throw unreadable()
  const [format, use] = half === 'PRIVATE' ? (['pkcs8', 'sign'] as const) : (['spki', 'verify'] as const)
  return told(params, async () => {
    const key = await crypto.subtle.importKey(format, der, params, true, [use])
    return crypto.subtle.exportKey('jwk', key)
  })
}

/** Does it, and tells a failure in our own words: WebCrypto's may be anything. */
async function told<T>(params: Params, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof RescindError) throw error
    if (error instanceof Error && error.name === 'NotSupportedError') {
      const wanted = [params.name, params.namedCurve].filter(Boolean).join(' on ')
      throw configError(`the WebCrypto of this runtime has no ${wanted}: choose another algorithm`)
    }
    throw unreadable()
  }
}

function unreadable(): RescindError {
  return unsafeKey('the key cannot be read for its algorithm: give unencrypted PEM (PKCS#8 or SPKI) or a whole JWK')
}

function paramsOf(facts: AsymmetricFacts): Params {
  switch (facts.kind) {
    case 'ed25519':
      return { name: 'Ed25519' }
    case 'ec':
      return { name: 'ECDSA', namedCurve: facts.curve, hash: webHash(facts.hash) }
    case 'rsa':
      return facts.pss
        ? { name: 'RSA-PSS', hash: webHash(facts.hash), saltLength: Number(facts.hash.slice(3)) / 8 }
        : { name: 'RSASSA-PKCS1-v1_5', hash: webHash(facts.hash) }
  }
}

/** `sha256` as WebCrypto spells it. */
function webHash(hash: string): string {
  return `SHA-${hash.slice(3)}`
}

function members(jwk: object, names: readonly string[]): JsonWebKey {
  return Object.fromEntries(Object.entries(jwk).filter(([name]) => names.includes(name)))
}
