import { createKey, createKeyAsync, createKeyRing, generateKey, generateKeyAsync, type Key } from 'rescind'
import { describe, expect, it, vi } from 'vitest'
import { openKey } from '../../src/crypto/web.ts'
import { ec, ed, pkcs8Pem, rsa, spkiPem, unfitKeys } from '../tokens/bad-keys.ts'
import { answer, forge, makeMaterial, startFixture } from '../tokens/forge.ts'

vi.mock('#crypto', () => import('../../src/crypto/web.ts'))

// What is special to keys that are opened by promises; tokens.test.ts has what they share with Node's.

const input = 'header.payload'
const zeros = (length: number) => Buffer.alloc(length).toString('base64url')
const jwkOf = (key: typeof ed.privateKey) => key.export({ format: 'jwk' })

/** The keys that JWKs make at once and that prove bad later. */
function lateOnes(): [string, Key][] {
  return unfitKeys.flatMap(([name, material, alg]): [string, Key][] => {
    try {
      return [[name, createKey(material, { alg })]]
    } catch {
      return []
    }
  })
}

describe('a key whose halves cannot be tried at once', () => {
  it.each(lateOnes())('never signs and never verifies: %s', async (_name, key) => {
    for (let round = 0; round < 2; round += 1) {
      await expect(key.verify(input, zeros(key.alg === 'RS256' ? 256 : 64))).rejects.toMatchObject({
        code: 'unsafe_key',
      })
      if (key.canSign) await expect(key.sign(input)).rejects.toMatchObject({ code: 'unsafe_key' })
    }
  })

  it('there are some', () => {
    const names = lateOnes().map(([name]) => name)
    expect(names).toContain('Ed25519 halves of two keys')
    expect(names).toContain('EC halves of two keys')
    expect(names).toContain('a point beside the curve')
  })

  it('lets no token pass, and issues none', async () => {
    const bad = { ...jwkOf(ed.privateKey), x: jwkOf(makeMaterial('EdDSA').verifying).x ?? '' }
    const material = makeMaterial('EdDSA')
    const keys = createKeyRing({ active: createKey(bad, { alg: 'EdDSA', kid: material.kid }) })
    const { auth } = await startFixture(material, { keys })
    expect(await answer(auth, forge(material))).toBe('unsafe_key')
    await expect(auth.issue({ sub: 'alice' })).rejects.toMatchObject({ code: 'unsafe_key' })
  })
})

describe('material that is read by promises', () => {
  it.each([
    ['RS256', rsa],
    ['ES256', ec],
    ['EdDSA', ed],
  ] as const)('is PEM: createKey says so, and createKeyAsync reads it (%s)', async (alg, { privateKey, publicKey }) => {
    for (const pem of [pkcs8Pem(privateKey), spkiPem(publicKey)]) {
      expect(() => createKey(pem, { alg })).toThrow(expect.objectContaining({ code: 'invalid_config' }))
      const key = await createKeyAsync(pem, { alg })
      expect(key.kid).toBe(createKey(jwkOf(publicKey), { alg }).kid)
      expect(key.publicJwk()).toMatchObject(jwkOf(publicKey))
      if (key.canSign) expect(key.privateJwk()).toEqual({ ...jwkOf(privateKey), alg, use: 'sig', kid: key.kid })
    }
  })

  it('is whatever has to be made: generateKey says so for all but secrets', async () => {
    expect(() => generateKey('ES256')).toThrow(expect.objectContaining({ code: 'invalid_config' }))
    expect(generateKey('HS512').canSign).toBe(true)
    const { alg, use, kid, ...bare } = (await generateKeyAsync('EdDSA', { kid: 'mine' })).privateJwk()
    expect({ alg, use, kid }).toEqual({ alg: 'EdDSA', use: 'sig', kid: 'mine' })
    expect(Object.keys(bare).sort()).toEqual(['crv', 'd', 'kty', 'x'])
  })

  it('an algorithm that the runtime lacks is a mistake of the configuration', async () => {
    const facts = { kind: 'ec', hash: 'sha256', curve: 'P-1', coordinateBytes: 32 } as const
    const opened = await openKey({ ...jwkOf(ec.publicKey), crv: 'P-1' }, { facts, check: () => {} })
    await expect(opened.proved()).rejects.toMatchObject({ code: 'invalid_config' })
    await expect(opened.verify(input, zeros(64))).rejects.toThrow('no ECDSA on P-1')
  })
})

describe('a request', () => {
  it('is decided by a promise until its token has come twice, and at once from then on', async () => {
    const material = makeMaterial('EdDSA')
    const { auth, keys } = await startFixture(material)
    const token = forge(material)
    const header = (name: string) => (name === 'authorization' ? `Bearer ${token}` : undefined)
    const check = () => auth.check({ method: 'GET', url: '/', header })
    const first = check()
    expect(first).toBeInstanceOf(Promise)
    expect(await first).toMatchObject({ ok: true, principal: { sub: 'alice' } })
    expect(await check()).toMatchObject({ ok: true, principal: { sub: 'alice' } })
    expect(check()).toMatchObject({ ok: true, principal: { sub: 'alice' } })
    keys.rotate(await generateKeyAsync('EdDSA'))
    keys.retire(material.kid)
    expect(check()).toMatchObject({ ok: false, error: { code: 'token_invalid' } })
  })

  it('is tried against every key of the algorithm, one after the other', async () => {
    const materials = ['a', 'b', 'c'].map((kid) => makeMaterial('EdDSA', kid))
    const keys = createKeyRing({
      verifyOnly: materials.map(({ verifying, kid }) => createKey(jwkOf(verifying), { alg: 'EdDSA', kid })),
    })
    const [first, , last] = materials
    if (first === undefined || last === undefined) throw new Error('no material')
    const { auth } = await startFixture(first, { keys })
    const withoutKid = { alg: 'EdDSA', typ: 'JWT' }
    for (const material of [...materials])
      expect(await answer(auth, forge(material, { header: withoutKid }))).toBe('accepted')
    expect(await answer(auth, forge(makeMaterial('EdDSA'), { header: withoutKid }))).toBe('token_invalid')
    expect(await answer(auth, forge(last, { header: { ...withoutKid, kid: 'a' } }))).toBe('token_invalid')
  })
})
