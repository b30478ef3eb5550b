import { createKeyRing, generateKey, type Key, type KeyRing } from 'rescind'
import { afterEach, describe, expect, it } from 'vitest'
import { openRescind, verdict } from '../session/helpers.ts'
import { forge, makeMaterial, startFixture } from './forge.ts'

const old = generateKey('EdDSA', { kid: 'old' })
const next = generateKey('EdDSA', { kid: 'next' })

/** A ring as a program may write it: it does not count its changes. */
function uncounted(inner: KeyRing): KeyRing {
  const { rotate, retire, jwks, candidates } = inner
  return {
    get active() {
      return inner.active
    },
    get algorithms() {
      return inner.algorithms
    },
    version: undefined as unknown as number,
    rotate,
    retire,
    jwks,
    candidates,
  }
}

describe('once a key has been retired, no token of it passes', () => {
  it.each([
    ['a ring of our own', (ring: KeyRing) => ring],
    ['a ring that does not count its changes', uncounted],
  ])('that is new: with %s', async (_name, wrapped) => {
    const inner = createKeyRing({ active: old })
    const { auth } = await openRescind({ keys: wrapped(inner) })
    const mint = () => auth.mint({ sub: 'alice' })
    const [seen, unseen, last] = [await mint(), await mint(), await mint()]
    for (let sight = 0; sight < 4; sight += 1) expect(await verdict(auth, seen)).toBe('ok')
    expect(await verdict(auth, unseen)).toBe('ok')
    inner.rotate(next)
    inner.retire('old')
    for (const token of [last, unseen, seen]) expect(await verdict(auth, token)).toBe('token_invalid')
    expect(await verdict(auth, await mint())).toBe('ok')
  })
})

describe('a key that the library did not make', () => {
  const made = generateKey('HS256', { kid: 'theirs' })
  const ringWith = (key: Partial<Key>) => createKeyRing({ active: { ...made, ...key } })

  it('signs with text, now or later, or not at all', async () => {
    const later = await openRescind({ keys: ringWith({ sign: async (input) => made.sign(input) }) })
    expect(await verdict(later.auth, await later.auth.mint({ sub: 'alice' }))).toBe('ok')
    const bytes = Buffer.from('signature') as unknown as string
    const wrong = await openRescind({ keys: ringWith({ sign: () => bytes }) })
    await expect(wrong.auth.mint({ sub: 'alice' })).rejects.toMatchObject({ code: 'invalid_config' })
  })

  it('gives a token no second spelling, however it reads a signature', async () => {
    const { auth } = await openRescind({ keys: ringWith({ verify: () => true }) })
    const token = await auth.mint({ sub: 'alice' })
    expect(await verdict(auth, token)).toBe('ok')
    for (const spelling of [`${token}=`, `${token} `, `${token}\u0141`]) {
      expect(await verdict(auth, spelling)).not.toBe('ok')
    }
  })
})

describe('a program that has put a member on all objects', () => {
  afterEach(() => {
    Reflect.deleteProperty(Object.prototype, 'polluted')
  })

  it('neither lets a member in twice nor keeps honest tokens out', async () => {
    const material = makeMaterial('EdDSA')
    const { auth } = await startFixture(material)
    const honest = forge(material)
    const payload = Buffer.from(honest.split('.')[1] ?? '', 'base64url').toString()
    const twice = forge(material, { payload: payload.replace('{', '{"sub":"victim",') })
    Object.assign(Object.prototype, { polluted: 1 })
    expect(await verdict(auth, honest)).toBe('ok')
    expect(await verdict(auth, twice)).toBe('token_malformed')
  })
})
