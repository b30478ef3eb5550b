import { createKey, createKeyRing, createRescind, generateKey, RescindError } from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { describe, expect, it } from 'vitest'
import { answer, forge, keyOf, makeMaterial, publicKeyOf, startFixture } from './forge.ts'

const first = makeMaterial('EdDSA', 'first')
const second = makeMaterial('EdDSA', 'second')
const third = makeMaterial('ES256', 'third')

function codeOf(make: () => unknown): string {
  try {
    make()
    return 'done'
  } catch (error) {
    if (error instanceof RescindError) return error.code
    throw error
  }
}

describe('a key ring', () => {
  it('is refused with a public active key, a kid twice, two nameless secrets, or over 16 keys', () => {
    const active = keyOf(first)
    expect(codeOf(() => createKeyRing({ active: publicKeyOf(first) }))).toBe('invalid_config')
    expect(codeOf(() => createKeyRing({ active, verifyOnly: [keyOf(first)] }))).toBe('invalid_config')
    const twin = keyOf({ ...third, kid: 'first' })
    expect(codeOf(() => createKeyRing({ active, verifyOnly: [twin] }))).toBe('invalid_config')
    const nameless = () => generateKey('HS256')
    expect(codeOf(() => createKeyRing({ active: nameless(), verifyOnly: [nameless()] }))).toBe('invalid_config')
    const many = (count: number) => Array.from({ length: count }, (_, n) => generateKey('HS256', { kid: `${n}` }))
    expect(codeOf(() => createKeyRing({ active, verifyOnly: many(16) }))).toBe('invalid_config')
    expect(codeOf(() => createKeyRing({ active, verifyOnly: many(15) }))).toBe('done')
    expect(codeOf(() => createKeyRing({ active, verifyOnly: [publicKeyOf(second), keyOf(third)] }))).toBe('done')
  })

  it('makes a key that it verifies with already the one that signs', () => {
    const ring = createKeyRing({ active: keyOf(first), verifyOnly: [publicKeyOf(second)] })
    ring.rotate(keyOf(second))
    expect(ring.active?.kid).toBe('second')
    expect(ring.jwks().keys.map(({ kid }) => kid)).toEqual(['second', 'first'])
  })

  it('without an active key only verifies', async () => {
    expect(codeOf(() => createKeyRing({}))).toBe('invalid_config')
    const store = memoryStore()
    const issuer = createRescind({ store, keys: createKeyRing({ active: keyOf(first) }) })
    const server = createRescind({ store, keys: createKeyRing({ verifyOnly: [publicKeyOf(first)] }) })
    await Promise.all([issuer.ready(), server.ready()])
    const { accessToken } = await issuer.issue({ sub: 'alice' })
    expect((await server.verify(accessToken)).sub).toBe('alice')
    await expect(server.issue({ sub: 'alice' })).rejects.toMatchObject({ code: 'invalid_config' })
    await Promise.all([issuer.close(), server.close()])
  })

  it('keeps its state when a change is refused', () => {
    const ring = createKeyRing({ active: keyOf(first), verifyOnly: [keyOf(second)] })
    expect(codeOf(() => ring.retire('first'))).toBe('invalid_config')
    expect(codeOf(() => ring.retire('unknown'))).toBe('invalid_config')
    expect(codeOf(() => ring.rotate(publicKeyOf(third)))).toBe('invalid_config')
    expect(codeOf(() => ring.rotate(keyOf({ ...third, kid: 'second' })))).toBe('invalid_config')
    expect(ring).toMatchObject({ version: 0, active: { kid: 'first' } })
    expect(ring.jwks().keys.map(({ kid }) => kid)).toEqual(['first', 'second'])
    expect([...ring.algorithms]).toEqual(['EdDSA'])
  })

  it('looks a kid up, and tries all keys of the algorithm without one', async () => {
    const keys = createKeyRing({ active: keyOf(first), verifyOnly: [publicKeyOf(second), keyOf(third)] })
    const { auth } = await startFixture(first, { keys })
    for (const material of [first, second, third]) {
      expect(await answer(auth, forge(material))).toBe('accepted')
      expect(await answer(auth, forge(material, { header: { alg: material.alg } }))).toBe('accepted')
    }
    expect(await answer(auth, forge(first, { header: { alg: 'EdDSA', kid: 'second' } }))).toBe('token_invalid')
    expect(await answer(auth, forge(first, { header: { alg: 'EdDSA', kid: 'third' } }))).toBe('token_invalid')
  })

  it('signs with the new key after a rotation, and goes on verifying the old one', async () => {
    const { auth, keys } = await startFixture(first)
    const before = (await auth.issue({ sub: 'alice' })).accessToken
    keys.rotate(keyOf(third))
    const after = (await auth.issue({ sub: 'alice' })).accessToken
    expect((await auth.verify(before)).header).toMatchObject({ alg: 'EdDSA', kid: 'first' })
    expect((await auth.verify(after)).header).toMatchObject({ alg: 'ES256', kid: 'third' })
  })

  it("refuses a retired key's tokens right away, also those it had verified and remembered", async () => {
    const { auth, keys } = await startFixture(first)
    const { accessToken, refreshToken } = await auth.issue({ sub: 'alice' })
    const foreign = forge(first, { header: { alg: 'EdDSA' } })
    keys.rotate(keyOf(second))
    const kept = (await auth.issue({ sub: 'alice' })).accessToken
    for (const token of [accessToken, foreign, kept]) expect(await answer(auth, token)).toBe('accepted')
    keys.retire('first')
    for (const token of [accessToken, foreign]) expect(await answer(auth, token)).toBe('token_invalid')
    await expect(auth.refresh(refreshToken)).rejects.toMatchObject({ code: 'token_invalid' })
    expect(await answer(auth, kept)).toBe('accepted')
  })

  it('stops accepting an algorithm when its last key retires', async () => {
    const keys = createKeyRing({ active: keyOf(first), verifyOnly: [keyOf(third)] })
    const { auth } = await startFixture(first, { keys })
    expect(await answer(auth, forge(third))).toBe('accepted')
    keys.retire('third')
    expect([...keys.algorithms]).toEqual(['EdDSA'])
    expect(await answer(auth, forge(third, { header: { alg: 'ES256' } }))).toBe('token_invalid')
  })
})

describe('the JWK Set', () => {
  it('holds public members only, whatever is in the ring', async () => {
    const verifyOnly = (['HS256', 'HS512', 'RS256', 'PS384', 'ES256', 'ES384', 'ES512'] as const).map((alg) =>
      keyOf(makeMaterial(alg)),
    )
    const keys = createKeyRing({ active: keyOf(first), verifyOnly })
    const { auth } = await startFixture(first, { keys })
    const shown = auth.jwks().keys
    expect(shown).toHaveLength(6)
    const allowed = new Set(['kty', 'crv', 'x', 'y', 'n', 'e', 'alg', 'use', 'kid'])
    for (const jwk of shown) {
      expect(jwk.kty).not.toBe('oct')
      expect(Object.keys(jwk).filter((member) => !allowed.has(member))).toEqual([])
      expect(jwk).toMatchObject({ use: 'sig', alg: expect.any(String), kid: expect.any(String) })
    }
    const text = JSON.stringify(shown)
    for (const key of [keyOf(first), ...verifyOnly]) {
      const secrets = Object.entries(key.privateJwk()).filter(([name]) =>
        ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'].includes(name),
      )
      expect(secrets.length).toBeGreaterThan(0)
      for (const [, secret] of secrets) expect(text).not.toContain(String(secret))
    }
  })

  it('is a copy: changing it changes nothing', () => {
    const ring = createKeyRing({ active: keyOf(first) })
    const shown = ring.jwks()
    const kept = structuredClone(shown)
    for (const jwk of shown.keys) Object.assign(jwk, { x: 'changed', kid: 'changed' })
    shown.keys.length = 0
    expect(ring.jwks()).toEqual(kept)
  })

  it('verifies our tokens elsewhere', async () => {
    const ring = createKeyRing({ active: keyOf(first) })
    const [jwk] = ring.jwks().keys
    if (!jwk) throw new Error('no key')
    const signature = await keyOf(first).sign('input')
    expect(await createKey(jwk, { alg: 'EdDSA' }).verify('input', signature)).toBe(true)
  })

  it('shows no secret through the key that an accident would print', () => {
    const key = generateKey('HS256', { kid: 'named' })
    const secret = String(key.privateJwk().k)
    expect(JSON.stringify(key)).not.toContain(secret)
    expect(key.publicJwk()).toBeNull()
  })
})
