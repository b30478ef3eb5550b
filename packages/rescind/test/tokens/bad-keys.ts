import { createPublicKey, generateKeyPairSync, type JsonWebKey, type KeyObject, randomBytes } from 'node:crypto'
import type { Algorithm } from 'rescind'

/** A key that must be refused: what it is, the material, and the algorithm it is offered for. */
export type BadKey = readonly [name: string, material: string | Uint8Array | JsonWebKey | KeyObject, alg: Algorithm]

// Without authority: a self-signed certificate made for this test.
const CERTIFICATE_BODY = `MIIBNDCB56ADAgECAhR8ssia5LdnnXiss8uf5i9TqAw66zAFBgMrZXAwDzENMAsG
A1UEAwwEdGVzdDAgFw0yNjExMjExNDU5NDVaGA8yMTI2MTAyODE0NTk0NVowDzEN
MAsGA1UEAwwEdGVzdDAqMAUGAytlcAMhAPkYB2/dpmZivIwaC3zBIArvKGWaY4QP
Fjk6e16U0GPpo1MwUTAdBgNVHQ4EFgQUHohb3Vk3DD6KvEDdxxFfLh4nU08wHwYD
VR0jBBgwFoAUHohb3Vk3DD6KvEDdxxFfLh4nU08wDwYDVR0TAQH/BAUwAwEB/zAF
BgMrZXADQQADeUFWL1L2FacaxvCmWXRDLPuJtxkEJ7OVIc5qchOag4AxtQtMOtvZ
mkq3wc2hUXAUpvA54rZVdwLRLaMLsXMC`
const CERTIFICATE = `-----BEGIN CERTIFICATE-----\n${CERTIFICATE_BODY}\n-----END CERTIFICATE-----\n`

export const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
export const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
export const ed = generateKeyPairSync('ed25519')
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const secp256k1 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
const ed448 = generateKeyPairSync('ed448')
const x25519 = generateKeyPairSync('x25519')

export const spkiPem = (key: KeyObject): string => key.export({ format: 'pem', type: 'spki' }).toString()
export const pkcs8Pem = (key: KeyObject): string => key.export({ format: 'pem', type: 'pkcs8' }).toString()
const spkiDer = (key: KeyObject): Buffer => key.export({ format: 'der', type: 'spki' })
const pkcs1 = (key: KeyObject): string => key.export({ format: 'pem', type: 'pkcs1' }).toString()
const base64 = (bytes: Buffer): string => bytes.toString('base64')
const url = (bytes: Buffer): string => bytes.toString('base64url')
const jwkOf = (key: KeyObject): JsonWebKey => key.export({ format: 'jwk' })

const pem = spkiPem(rsa.publicKey)
const der = spkiDer(rsa.publicKey)
const jwk = jwkOf(rsa.publicKey)
const wire = (...parts: Buffer[]): Buffer =>
  Buffer.concat(parts.flatMap((part) => [Buffer.from([0, 0, part.length >> 8, part.length & 255]), part]))
const sshWire = wire(Buffer.from('ssh-ed25519'), Buffer.from(jwkOf(ed.publicKey).x ?? '', 'base64url'))
const ssh = `ssh-ed25519 ${base64(sshWire)}`
const sshEc = wire(Buffer.from('ecdsa-sha2-nistp256'), Buffer.from('nistp256'), randomBytes(65))

/** Texts and bytes of other keys, offered as an HMAC secret. */
export const keysAsSecrets: readonly BadKey[] = [
  ['PEM, RSA', pem, 'HS256'],
  ['PEM, EC', spkiPem(ec.publicKey), 'HS384'],
  ['PEM, Ed25519', spkiPem(ed.publicKey), 'HS512'],
  ['PEM, PKCS#1', pkcs1(rsa.publicKey), 'HS256'],
  ['PEM, private', pkcs8Pem(ed.privateKey), 'HS256'],
  ['PEM, as bytes', Buffer.from(pem), 'HS256'],
  ['PEM, white space around', `\n\t ${pem} \r\n`, 'HS256'],
  ['PEM, trimmed', pem.trim(), 'HS256'],
  ['PEM, CRLF', pem.replaceAll('\n', '\r\n'), 'HS256'],
  ['PEM on one line', pem.replaceAll('\n', ' '), 'HS256'],
  ['PEM, \\n spelled out', pem.replaceAll('\n', '\\n'), 'HS256'],
  ['PEM, byte order mark', `\ufeff${pem}`, 'HS256'],
  ['PEM, NUL in front', `\0${pem}`, 'HS256'],
  ['PEM, text in front', `public key:\n${pem}`, 'HS256'],
  ['PEM in JSON', JSON.stringify({ publicKey: pem }), 'HS256'],
  ['PEM, UTF-16', Buffer.from(pem, 'utf16le'), 'HS256'],
  ['PEM in base64', base64(Buffer.from(pem)), 'HS256'],
  ['PEM in hexadecimal', Buffer.from(pem).toString('hex'), 'HS256'],
  ['PEM without armour', pem.split('\n').slice(1, -2).join('\n'), 'HS256'],
  ['DER', der, 'HS256'],
  ['DER, EC', spkiDer(ec.publicKey), 'HS256'],
  ['DER, private', ed.privateKey.export({ format: 'der', type: 'pkcs8' }), 'HS256'],
  ['DER, SEC 1', ec.privateKey.export({ format: 'der', type: 'sec1' }), 'HS256'],
  ['DER, NUL in front', Buffer.concat([Buffer.from([0]), der]), 'HS256'],
  ['DER, newline behind', Buffer.concat([der, Buffer.from('\n')]), 'HS256'],
  ['DER in base64', base64(der), 'HS256'],
  ['DER in base64url', url(der), 'HS256'],
  ['DER in hexadecimal', der.toString('hex'), 'HS256'],
  ['certificate', CERTIFICATE, 'HS256'],
  ['certificate, DER', Buffer.from(CERTIFICATE_BODY, 'base64'), 'HS256'],
  ['certificate, as in x5c', CERTIFICATE_BODY.replaceAll('\n', ''), 'HS256'],
  ['JWK', JSON.stringify(jwk), 'HS256'],
  ['JWK, spaced', `\ufeff ${JSON.stringify(jwk, null, 2)}\n`, 'HS256'],
  ['JWK, quoted again', JSON.stringify(JSON.stringify(jwk)), 'HS256'],
  ['JWK in base64url', url(Buffer.from(JSON.stringify(jwk))), 'HS256'],
  ['JWK, oct', JSON.stringify({ k: url(randomBytes(32)), kty: 'oct' }), 'HS256'],
  ['JWKS', JSON.stringify({ keys: [jwk] }), 'HS256'],
  ['JWK array', JSON.stringify([jwk]), 'HS256'],
  ['oct JWK around a PEM', { kty: 'oct', k: url(Buffer.from(pem)) }, 'HS256'],
  ['oct JWK around DER', { kty: 'oct', k: url(der) }, 'HS256'],
  ['SSH, Ed25519', `${ssh} alice@example.com`, 'HS256'],
  ['SSH, ECDSA', `ecdsa-sha2-nistp256 ${base64(sshEc)}`, 'HS256'],
  ['SSH, with options', `restrict,command="x" ${ssh}`, 'HS256'],
  ['SSH, base64 alone', base64(sshWire), 'HS256'],
  ['SSH2 armour', `---- BEGIN SSH2 PUBLIC KEY ----\n${base64(sshWire)}\n---- END SSH2 PUBLIC KEY ----`, 'HS256'],
  ['PuTTY', 'PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: test\n', 'HS256'],
]

/** Secrets that anyone could guess. */
export const weakSecrets: readonly BadKey[] = [
  ['empty text', '', 'HS256'],
  ['empty bytes', new Uint8Array(), 'HS512'],
  ['empty oct', { kty: 'oct', k: '' }, 'HS256'],
  ['a word', 'secret', 'HS256'],
  ['31 bytes for HS256', randomBytes(31), 'HS256'],
  ['47 bytes for HS384', randomBytes(47), 'HS384'],
  ['63 bytes for HS512', randomBytes(63), 'HS512'],
  ['31 letters for HS256', 'correct-horse-battery-staple-31', 'HS256'],
  ['one letter repeated', 'a'.repeat(64), 'HS256'],
  ['zeros', Buffer.alloc(64), 'HS512'],
  ['two letters repeated', 'ab'.repeat(32), 'HS256'],
  ['a word repeated', 'secret'.repeat(12), 'HS512'],
  ['oct with a short k', { kty: 'oct', k: url(randomBytes(16)) }, 'HS256'],
]

const privateEd = jwkOf(ed.privateKey)
const privateEc = jwkOf(ec.privateKey)
const privateRsa = jwkOf(rsa.privateKey)
const lowOrder = [
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  `01${'00'.repeat(30)}80`,
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(31)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
]
const withoutPoint = Buffer.from(privateEc.y ?? '', 'base64url')
withoutPoint[31] = (withoutPoint[31] ?? 0) ^ 1
const psDetails = { modulusLength: 2048, hashAlgorithm: 'sha512', mgf1HashAlgorithm: 'sha512' }
const otherRsa = jwkOf(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey)
const otherEd = jwkOf(generateKeyPairSync('ed25519').publicKey)
const otherEc = jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)

/** Keys of the wrong type, curve or size, and JWKs that say they are for something else. */
export const unfitKeys: readonly BadKey[] = [
  ['a public KeyObject as secret', rsa.publicKey, 'HS256'],
  ['a private KeyObject as secret', ed.privateKey, 'HS256'],
  ['an RSA JWK as secret', jwk, 'HS256'],
  ['a secret as RSA key', randomBytes(64), 'RS256'],
  ['an oct JWK as EC key', { kty: 'oct', k: url(randomBytes(32)) }, 'ES256'],
  ['EC for RS256', pkcs8Pem(ec.privateKey), 'RS256'],
  ['EC for PS256', ec.publicKey, 'PS256'],
  ['RSA for ES256', pem, 'ES256'],
  ['RSA for EdDSA', rsa.privateKey, 'EdDSA'],
  ['Ed25519 for ES256', ed.privateKey, 'ES256'],
  ['Ed25519 for RS256', spkiPem(ed.publicKey), 'RS256'],
  ['P-256 for ES384', ec.privateKey, 'ES384'],
  ['P-256 for ES512', privateEc, 'ES512'],
  ['P-384 for ES256', p384.privateKey, 'ES256'],
  ['secp256k1 for ES256', secp256k1.privateKey, 'ES256'],
  ['secp256k1 for ES256, JWK', jwkOf(secp256k1.publicKey), 'ES256'],
  ['Ed448 for EdDSA', ed448.privateKey, 'EdDSA'],
  ['X25519 for EdDSA', x25519.privateKey, 'EdDSA'],
  ['X25519 for EdDSA, PEM', spkiPem(x25519.publicKey), 'EdDSA'],
  ...lowOrder.map(
    (hex): BadKey => [
      `Ed25519 of low order: ${hex.slice(0, 8)}…${hex.slice(-2)}`,
      { kty: 'OKP', crv: 'Ed25519', x: url(Buffer.from(hex, 'hex')) },
      'EdDSA',
    ],
  ),
  ['RSA of 512 bits', generateKeyPairSync('rsa', { modulusLength: 512 }).privateKey, 'RS256'],
  ['RSA of 1024 bits', generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey, 'RS256'],
  ['RSA of 2040 bits', generateKeyPairSync('rsa', { modulusLength: 2040 }).publicKey, 'PS256'],
  ['RSA with e = 3', generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).privateKey, 'RS256'],
  ['RSA with e = 1', { ...jwk, e: 'AQ' }, 'RS256'],
  ['RSA with an even e', { ...jwk, e: 'AQAC' }, 'RS256'],
  ['RSA with an e as long as n', { ...jwk, e: jwk.n ?? '' }, 'RS256'],
  ['RSA-PSS for RS256', generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey, 'RS256'],
  ['RSA-PSS bound to SHA-512 for PS256', generateKeyPairSync('rsa-pss', psDetails).privateKey, 'PS256'],
  ['a JWK for ES384', { ...privateEc, alg: 'ES384' }, 'ES256'],
  ['a JWK for PS256', { ...jwk, alg: 'PS256' }, 'RS256'],
  ['a JWK for HS512', { kty: 'oct', k: url(randomBytes(64)), alg: 'HS512' }, 'HS256'],
  ['a JWK with alg none', { ...jwk, alg: 'none' }, 'RS256'],
  ['a JWK for encryption', { ...jwk, use: 'enc' }, 'RS256'],
  ['a JWK with another use', { ...privateEd, use: 'SIG' }, 'EdDSA'],
  ['a JWK to encrypt', { ...jwk, key_ops: ['encrypt', 'wrapKey'] }, 'RS256'],
  ['a JWK without operations', { ...privateEd, key_ops: [] }, 'EdDSA'],
  ['a JWK with operations as text', { ...privateEd, key_ops: 'sign' }, 'EdDSA'],
  ['a JWK that repeats an operation', { ...privateEd, key_ops: ['sign', 'sign', 'verify'] }, 'EdDSA'],
  ['Ed25519 halves of two keys', { ...privateEd, x: otherEd.x ?? '' }, 'EdDSA'],
  ['EC halves of two keys', { ...privateEc, x: otherEc.x ?? '', y: otherEc.y ?? '' }, 'ES256'],
  ['RSA halves of two keys', { ...privateRsa, n: otherRsa.n ?? '' }, 'RS256'],
  ['RSA with another exponent', { ...privateRsa, e: 'AQAD' }, 'RS256'],
  ['RSA with the prime of another', { ...privateRsa, p: otherRsa.p ?? '' }, 'RS256'],
  ['RSA with the secrets of another', { ...privateRsa, d: otherRsa.d ?? '', p: otherRsa.p ?? '' }, 'RS256'],
  ['a point beside the curve', { kty: 'EC', crv: 'P-256', x: privateEc.x ?? '', y: url(withoutPoint) }, 'ES256'],
  ['the point (0, 0)', { kty: 'EC', crv: 'P-256', x: url(Buffer.alloc(32)), y: url(Buffer.alloc(32)) }, 'ES256'],
  ['an Ed25519 key of 31 bytes', { kty: 'OKP', crv: 'Ed25519', x: url(randomBytes(31)) }, 'EdDSA'],
  ['padding in the JWK', { ...privateEd, x: `${privateEd.x}=` }, 'EdDSA'],
  ['the other alphabet in the JWK', { kty: 'oct', k: `++//${url(randomBytes(30))}` }, 'HS256'],
  ['white space in the JWK', { ...jwk, n: ` ${jwk.n}` }, 'RS256'],
  ['no x', { kty: 'OKP', crv: 'Ed25519' }, 'EdDSA'],
  ['no kty', { k: url(randomBytes(32)) }, 'HS256'],
  ['an encrypted PEM', encrypted(), 'EdDSA'],
  ['a certificate', CERTIFICATE, 'EdDSA'],
  ['a certificate, as bytes', Buffer.from(CERTIFICATE), 'EdDSA'],
  ['garbage', 'not a key at all, but quite a long text', 'ES256'],
  ['a PEM of garbage', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----', 'RS256'],
  ['half a PEM', pkcs8Pem(ed.privateKey).slice(0, 80), 'EdDSA'],
  ['an SSH key', ssh, 'EdDSA'],
  ['empty text', '', 'EdDSA'],
]

function encrypted(): string {
  const cipher = { cipher: 'aes-256-cbc', passphrase: 'a passphrase' } as const
  return ed.privateKey.export({ format: 'pem', type: 'pkcs8', ...cipher }).toString()
}

/** Every text of the material in which a message could give it away. */
export function textsOf(material: BadKey[1]): string[] {
  if (typeof material === 'string') return [material]
  if (material instanceof Uint8Array) {
    const bytes = Buffer.from(material)
    return [bytes.toString('latin1'), bytes.toString('hex'), bytes.toString('base64'), bytes.toString('base64url')]
  }
  if ('type' in material && 'export' in material) {
    const key = material as KeyObject
    return key.type === 'private' ? [pkcs8Pem(key), spkiPem(createPublicKey(key))] : [spkiPem(key)]
  }
  return Object.values(material).filter((member): member is string => typeof member === 'string')
}
