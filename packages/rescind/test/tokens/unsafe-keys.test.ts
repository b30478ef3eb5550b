import { generateKeyPairSync, randomBytes } from 'node:crypto'
import {
  type Algorithm,
  algorithms,
  createKey,
  createKeyAsync,
  generateKey,
  generateKeyAsync,
  RescindError,
} from 'rescind'
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

async function refusal(make: () => unknown): Promise<RescindError> {
  try {
    await make()
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
    async (_name, material, alg) => {
      const error = await refusal(() => createKeyAsync(material, { alg }))
      expect(error.code).toBe('unsafe_key')
      expectSilence(error, material)
    },
  )

  it.each(keysAsSecrets)('%s, not even with allowWeakSecret', async (_name, material, alg) => {
    expect((await refusal(() => createKeyAsync(material, { alg, allowWeakSecret: true }))).code).toBe('unsafe_key')
  })

  it('they were at least 45', () => {
    console.log(`A4: ${all.length} bad keys, 0 accepted`)
    expect(new Set(all.map(([name, , alg]) => name + alg)).size).toBeGreaterThanOrEqual(45)
  })

  it.each([[null], [undefined], [0], [true], [[]], [new Uint16Array(64)], [new ArrayBuffer(64)], [() => 'x']])(
    'what is no material at all: %j',
    async (material) => {
      for (const alg of ['HS256', 'EdDSA', 'RS256'] as const) {
        const error = await refusal(() => createKeyAsync(material as unknown as string, { alg }))
        expect(error.code).toBe('unsafe_key')
      }
    },
  )

  it('an algorithm that is not on the list, or a bad kid, is a mistake of the configuration', async () => {
    for (const alg of ['none', 'hs256', 'ES256K', '', 'toString', '__proto__', undefined, null, ['HS256']]) {
      const error = await refusal(() => createKey(randomBytes(64), { alg: alg as Algorithm }))
      expect(error.code).toBe('invalid_config')
      expect((await refusal(() => generateKey(alg as Algorithm))).code).toBe('invalid_config')
      expect((await refusal(() => generateKeyAsync(alg as Algorithm))).code).toBe('invalid_config')
    }
    for (const kid of ['', 'k'.repeat(257), 1, {}, []]) {
      const error = await refusal(() => createKey(randomBytes(64), { alg: 'HS256', kid: kid as string }))
      expect(error.code).toBe('invalid_config')
    }
  })
})

describe('keys that are good', () => {
  const every = Object.keys(algorithms) as Algorithm[]

  it.each(every)('%s: generated, as PEM and as JWK, public and private', async (alg) => {
    const input = 'header.payload'
    const generated = await generateKeyAsync(alg)
    const generatedSignature = await generated.sign(input)
    expect(await generated.verify(input, generatedSignature)).toBe(true)
    expect(await createKey(generated.privateJwk(), { alg }).verify(input, generatedSignature)).toBe(true)

    const { signing, verifying } = makeMaterial(alg)
    const signature = signAs(alg, signing, input).toString('base64url')
    const forms =
      signing.type === 'secret'
        ? [signing.export(), new Uint8Array(signing.export()), signing.export({ format: 'jwk' })]
        : [
            pkcs8Pem(signing),
            `\r\n${pkcs8Pem(signing)}\n`,
            Buffer.from(pkcs8Pem(signing)),
            signing.export({ format: 'jwk' }),
          ]
    for (const form of forms) {
      const key = await createKeyAsync(form, { alg })
      expect(key).toMatchObject({ alg, canSign: true })
      expect(await key.verify(input, signature)).toBe(true)
      expect(await key.verify(`${input}x`, signature)).toBe(false)
      expect(await key.verify(input, await key.sign(input))).toBe(true)
    }
    if (signing.type === 'secret') return
    for (const form of [spkiPem(verifying), verifying.export({ format: 'jwk' })]) {
      const key = await createKeyAsync(form, { alg })
      expect(key).toMatchObject({ alg, canSign: false })
      expect(await key.verify(input, signature)).toBe(true)
      expect((await refusal(() => key.sign(input))).code).toBe('invalid_config')
      expect((await refusal(() => key.privateJwk())).code).toBe('invalid_config')
      expect(key.kid).toBe((await createKeyAsync(pkcs8Pem(signing), { alg })).kid)
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

  it('a short secret passes with allowWeakSecret, an empty one never', async () => {
    expect(createKey('secret', { alg: 'HS256', allowWeakSecret: true }).canSign).toBe(true)
    expect(createKey('a'.repeat(64), { alg: 'HS512', allowWeakSecret: true }).canSign).toBe(true)
    const error = await refusal(() => createKey('', { alg: 'HS256', allowWeakSecret: true }))
    expect(error.code).toBe('unsafe_key')
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

  it('RSA below 3072 bits is warned of; 3072 bits are not', async () => {
    expect((await createKeyAsync(pkcs8Pem(rsa.privateKey), { alg: 'RS256' })).warnings).toHaveLength(1)
    const strong = generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey
    expect((await createKeyAsync(pkcs8Pem(strong), { alg: 'RS256' })).warnings).toEqual([])
    expect((await createKeyAsync(pkcs8Pem(ed.privateKey), { alg: 'EdDSA' })).warnings).toEqual([])
  })
})
