import { createPrivateKey, createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { type Algorithm, algorithms, createKey, generateKey, RescindError } from 'rescind'
import { describe, expect, it } from 'vitest'
import {
  type BadKey,
  ec,
  ed,
  keysAsSecrets,
  pkcs8Pem,
  rsa,
  spkiPem,
  textsOf,
  unfitKeys,
  weakSecrets,
} from './bad-keys.ts'
import { makeMaterial, signAs } from './forge.ts'

const WINDOW = 16

function refusal(make: () => unknown): RescindError {
  try {
    make()
  } catch (error) {
    if (error instanceof RescindError) return error
    throw error
  }
  throw new Error('the key was accepted')
}

/** No 16 characters in a row of the material are in the error, its cause or its stack's first line. */
function expectSilence(error: RescindError, material: BadKey[1]): void {
  expect(error.cause).toBeUndefined()
  const said = JSON.stringify(error) + String(error)
  for (const text of textsOf(material)) {
    for (let at = 0; at + WINDOW <= text.length; at += 1) expect(said).not.toContain(text.slice(at, at + WINDOW))
  }
}

describe('A4: keys that must be refused', () => {
  const all = [...keysAsSecrets, ...weakSecrets, ...unfitKeys]

  it.each(all.map(([name, material, alg]) => [`${name} (${alg})`, material, alg] as const))(
    '%s',
    (_name, material, alg) => {
      const error = refusal(() => createKey(material, { alg }))
      expect(error.code).toBe('unsafe_key')
      expectSilence(error, material)
    },
  )

  it.each(keysAsSecrets)('%s, not even with allowWeakSecret', (_name, material, alg) => {
    expect(refusal(() => createKey(material, { alg, allowWeakSecret: true })).code).toBe('unsafe_key')
  })

  it('they were at least 45', () => {
    console.log(`A4: ${all.length} bad keys, 0 accepted`)
    expect(new Set(all.map(([name, , alg]) => name + alg)).size).toBeGreaterThanOrEqual(45)
  })

  it.each([[null], [undefined], [0], [true], [[]], [new Uint16Array(64)], [new ArrayBuffer(64)], [() => 'x']])(
    'what is no material at all: %j',
    (material) => {
      for (const alg of ['HS256', 'EdDSA', 'RS256'] as const) {
        expect(refusal(() => createKey(material as unknown as string, { alg })).code).toBe('unsafe_key')
      }
    },
  )

  it('an algorithm that is not on the list, or a bad kid, is a mistake of the configuration', () => {
    for (const alg of ['none', 'hs256', 'ES256K', '', 'toString', '__proto__', undefined, null, ['HS256']]) {
      const error = refusal(() => createKey(randomBytes(64), { alg: alg as Algorithm }))
      expect(error.code).toBe('invalid_config')
      expect(refusal(() => generateKey(alg as Algorithm)).code).toBe('invalid_config')
    }
    for (const kid of ['', 'k'.repeat(257), 1, {}, []]) {
      expect(refusal(() => createKey(randomBytes(64), { alg: 'HS256', kid: kid as string })).code).toBe(
        'invalid_config',
      )
    }
  })
})

describe('keys that are good', () => {
  const every = Object.keys(algorithms) as Algorithm[]

  it.each(every)('%s: generated, as KeyObject, PEM and JWK, public and private', (alg) => {
    const input = 'header.payload'
    const generated = generateKey(alg)
    expect(generated.verify(input, generated.sign(input))).toBe(true)
    expect(createKey(generated.privateJwk(), { alg }).verify(input, generated.sign(input))).toBe(true)

    const { signing, verifying } = makeMaterial(alg)
    const signature = signAs(alg, signing, input)
    const forms =
      signing.type === 'secret'
        ? [signing, signing.export(), new Uint8Array(signing.export()), signing.export({ format: 'jwk' })]
        : [
            signing,
            pkcs8Pem(signing),
            `\r\n${pkcs8Pem(signing)}\n`,
            Buffer.from(pkcs8Pem(signing)),
            signing.export({ format: 'jwk' }),
          ]
    for (const form of forms) {
      const key = createKey(form, { alg })
      expect(key).toMatchObject({ alg, canSign: true })
      expect(key.verify(input, signature)).toBe(true)
      expect(key.verify(`${input}x`, signature)).toBe(false)
      expect(key.verify(input, key.sign(input))).toBe(true)
    }
    if (signing.type === 'secret') return
    for (const form of [verifying, spkiPem(verifying), verifying.export({ format: 'jwk' })]) {
      const key = createKey(form, { alg })
      expect(key).toMatchObject({ alg, canSign: false })
      expect(key.verify(input, signature)).toBe(true)
      expect(refusal(() => key.sign(input)).code).toBe('invalid_config')
      expect(refusal(() => key.privateJwk()).code).toBe('invalid_config')
      expect(key.kid).toBe(createKey(signing, { alg }).kid)
    }
  })

  it.each([
    ['32 random bytes', randomBytes(32)],
    ['32 random bytes in base64', randomBytes(32).toString('base64')],
    ['32 random bytes in hexadecimal', randomBytes(32).toString('hex')],
    ['a passphrase', 'correct horse battery staple, and then some more'],
    ['braces around random text', `{${randomBytes(30).toString('base64')}}`],
    ['a secret that speaks of keys', 'the keys of the kingdom are: ssh, PEM and kty!'],
    ['a secret that starts as DER does', Buffer.concat([Buffer.from([0x30, 0x82, 0x01, 0x22]), randomBytes(60)])],
    ['a KeyObject', createSecretKey(randomBytes(32))],
  ])('as HMAC secret: %s', (_name, material) => {
    expect(createKey(material, { alg: 'HS256' }).canSign).toBe(true)
  })

  it('never takes random bytes for the text of a key', () => {
    for (let round = 0; round < 5_000; round += 1) {
      const secret = randomBytes(32)
      secret[0] = 0x7b
      secret[31] = 0x7d
      expect(() => createKey(secret, { alg: 'HS256' })).not.toThrow()
    }
  })

  it('a short secret passes with allowWeakSecret, an empty one never', () => {
    expect(createKey('secret', { alg: 'HS256', allowWeakSecret: true }).canSign).toBe(true)
    expect(createKey('a'.repeat(64), { alg: 'HS512', allowWeakSecret: true }).canSign).toBe(true)
    expect(refusal(() => createKey('', { alg: 'HS256', allowWeakSecret: true })).code).toBe('unsafe_key')
  })

  it('JWKs that say what they are for', () => {
    const jwk = ed.privateKey.export({ format: 'jwk' })
    for (const words of [{ alg: 'EdDSA' }, { use: 'sig' }, { key_ops: ['sign'] }, { key_ops: ['sign', 'verify'] }]) {
      expect(createKey({ ...jwk, ...words }, { alg: 'EdDSA' }).canSign).toBe(true)
    }
    expect(
      createKey({ ...ec.publicKey.export({ format: 'jwk' }), key_ops: ['verify'] }, { alg: 'ES256' }).canSign,
    ).toBe(false)
  })

  it('RSA below 3072 bits is warned of; 3072 bits are not', () => {
    expect(createKey(rsa.privateKey, { alg: 'RS256' }).warnings).toHaveLength(1)
    const strong = generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey
    expect(createKey(strong, { alg: 'RS256' }).warnings).toEqual([])
    expect(createKey(createPrivateKey(pkcs8Pem(ed.privateKey)), { alg: 'EdDSA' }).warnings).toEqual([])
  })
})
