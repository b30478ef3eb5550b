import {
  constants,
  createHash,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type JsonWebKey,
  KeyObject,
  sign as nodeSign,
  verify as nodeVerify,
  randomFillSync,
  timingSafeEqual,
} from 'node:crypto'
import { RescindError, unsafeKey } from '../base/errors.ts'
import {
  type AsymmetricFacts,
  mismatch,
  type OpenedKey,
  type OpenedSecret,
  PROBE,
  type ReadableMaterial,
  type RuntimeCrypto,
} from './crypto.ts'
import { createHmacText } from './node-hmac.ts'
import { sameText } from './same-text.ts'

const RSA_BITS = 3072

/** See {@link RuntimeCrypto}. */
export const fillRandom: RuntimeCrypto['fillRandom'] = (bytes) => {
  randomFillSync(bytes)
}

/** See {@link RuntimeCrypto}. */
export const sha256: RuntimeCrypto['sha256'] = (...parts) => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** See {@link RuntimeCrypto}. */
export const encodeBase64Url: RuntimeCrypto['encodeBase64Url'] = (data) =>
  (typeof data === 'string' ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.byteLength)).toString(
    'base64url',
  )

/** See {@link RuntimeCrypto}. */
export const decodeBase64Url: RuntimeCrypto['decodeBase64Url'] = (text) => {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : null
}

/** See {@link RuntimeCrypto}. */
export const sameBytes: RuntimeCrypto['sameBytes'] = (a, b) => a.length === b.length && timingSafeEqual(a, b)

/** See {@link RuntimeCrypto}. */
export const secretOf: RuntimeCrypto['secretOf'] = (material) =>
  material instanceof KeyObject && material.type === 'secret' ? material.export() : null

/** See {@link RuntimeCrypto}. */
export const openSecret: RuntimeCrypto['openSecret'] = (secret, hash): OpenedSecret => {
  const key = createSecretKey(secret)
  const sign = createHmacText(secret, hash)
  return {
    sign,
    verify: (input, signature) => sameText(sign(input), signature),
    proved: () => {},
    bytes: () => key.export(),
  }
}

/** See {@link RuntimeCrypto}. */
export const openKey: RuntimeCrypto['openKey'] = (material, { facts, check }): OpenedKey => {
  const key = readKey(material)
  const canSign = key.type === 'private'
  const publicKey = canSign ? createPublicKey(key) : key
  const publicJwk = exported(publicKey)
  check(publicJwk)
  const hash = facts.kind === 'ed25519' ? null : facts.hash
  const signing = { key, ...signatureForm(facts) }
  const verifying = { ...signing, key: publicKey }
  const sign = (input: string) => nodeSign(hash, Buffer.from(input), signing).toString('base64url')
  const verify = (input: string, signature: string) => {
    const bytes = decodeBase64Url(signature)
    return bytes !== null && nodeVerify(hash, Buffer.from(input), verifying, bytes)
  }
  if (canSign) prove(() => verify(PROBE, sign(PROBE)))
  return { canSign, publicJwk, privateJwk: () => exported(key), sign, verify, proved: () => {} }
}

/** See {@link RuntimeCrypto}. */
export const generateMaterial: RuntimeCrypto['generateMaterial'] = (facts): KeyObject => {
  switch (facts.kind) {
    case 'ed25519':
      return generateKeyPairSync('ed25519').privateKey
    case 'ec':
      return generateKeyPairSync('ec', { namedCurve: facts.curve }).privateKey
    case 'rsa':
      return generateKeyPairSync('rsa', { modulusLength: RSA_BITS }).privateKey
  }
}

function readKey(material: ReadableMaterial): KeyObject {
  if (material instanceof KeyObject) return material
  try {
    if (typeof material === 'string') {
      return /PRIVATE KEY-----/.test(material) ? createPrivateKey(material) : createPublicKey(material)
    }
    if (material.d === undefined) return createPublicKey({ key: material, format: 'jwk' })
    const key = createPrivateKey({ key: material, format: 'jwk' })
    checkHalves(material, exported(createPublicKey(key)))
    return key
  } catch (error) {
    if (error instanceof RescindError) throw error
    throw unsafeKey('the key cannot be read: give unencrypted PEM, a JWK or a KeyObject')
  }
}

// OpenSSL derives what it can and leaves the rest of the JWK aside.
function checkHalves(jwk: JsonWebKey, derived: JsonWebKey): void {
  for (const name of ['x', 'y', 'n', 'e'] as const) if (jwk[name] !== derived[name]) throw mismatch()
}

function exported(key: KeyObject): JsonWebKey {
  try {
    return key.export({ format: 'jwk' })
  } catch {
    // Among them RSA-PSS: RFC 7517 has no way to publish it, and the same numbers as plain RSA serve PS* as well.
    throw unsafeKey(`no JWK can hold a key of type ${key.asymmetricKeyType ?? key.type}: give another, or plain RSA`)
  }
}

function signatureForm(facts: AsymmetricFacts) {
  if (facts.kind !== 'rsa') return { dsaEncoding: 'ieee-p1363' as const }
  if (!facts.pss) return { padding: constants.RSA_PKCS1_PADDING }
  return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
}

/** Catches what no inspection does: an RSA key whose primes, exponents and modulus do not belong together. */
function prove(signsForItself: () => boolean): void {
  try {
    if (signsForItself()) return
  } catch {
    // Told below, in words that quote nothing.
  }
  throw mismatch()
}
