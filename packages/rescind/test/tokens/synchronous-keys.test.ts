import { createSecretKey } from 'node:crypto'
import { type Algorithm, algorithms, createKey, generateKey } from 'rescind'
import { describe, expect, it } from 'vitest'
import { keysAsSecrets, pkcs8Pem, spkiPem, unfitKeys, weakSecrets } from './bad-keys.ts'
import { answer, forge, makeMaterial, signAs, startFixture } from './forge.ts'

// What Node alone can do: other runtimes sign by promises, read PEM by promises, and know no KeyObject.

const every = Object.keys(algorithms) as Algorithm[]

describe('on Node', () => {
  it.each(every)('%s signs and verifies at once, from KeyObjects and PEM', (alg) => {
    const input = 'header.payload'
    const { signing, verifying } = makeMaterial(alg)
    const generated = generateKey(alg)
    expect(generated.verify(input, generated.sign(input) as string)).toBe(true)
    const texts = signing.type === 'secret' ? [] : [pkcs8Pem(signing), spkiPem(verifying)]
    for (const material of [signing, verifying, ...texts]) {
      const key = createKey(material, { alg })
      const signature = signAs(alg, signing, input).toString('base64url')
      expect(key.canSign).toBe(material === signing || material === texts[0])
      expect(key.verify(input, signature)).toBe(true)
      expect(key.verify(`${input}x`, signature)).toBe(false)
      if (key.canSign) expect(key.sign(input)).toMatch(/^[\w-]+$/)
    }
  })

  it('a bad key is refused before it is one', () => {
    for (const [name, material, alg] of [...keysAsSecrets, ...weakSecrets, ...unfitKeys]) {
      expect(() => createKey(material, { alg }), name).toThrow(expect.objectContaining({ code: 'unsafe_key' }))
    }
  })

  it('a secret KeyObject is measured like any other secret', () => {
    expect(createKey(createSecretKey(Buffer.from('0123456789abcdef0123456789abcdef')), { alg: 'HS256' }).canSign).toBe(
      true,
    )
    expect(() => createKey(createSecretKey(Buffer.from('short')), { alg: 'HS256' })).toThrow('5 bytes')
  })

  it('a request is decided without a promise, at the first sight of its token too', async () => {
    const material = makeMaterial('ES256')
    const { auth } = await startFixture(material)
    const token = forge(material)
    const header = (name: string) => (name === 'authorization' ? `Bearer ${token}` : undefined)
    expect(auth.check({ method: 'GET', url: '/', header })).toMatchObject({ ok: true, principal: { sub: 'alice' } })
    expect(await answer(auth, token)).toBe('accepted')
  })
})
