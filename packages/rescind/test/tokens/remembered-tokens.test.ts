import { createKeyRing, generateKey } from 'rescind'
import { describe, expect, it } from 'vitest'
import { openRescind, payloadOf, verdict } from '../session/helpers.ts'

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

// A verified token is looked up by the end of its signature.
describe.each(['HS256', 'RS256', 'ES256', 'EdDSA'] as const)('a token of %s that was seen before', (alg) => {
  const keys = createKeyRing({ active: generateKey(alg) })

  it('lends its signature to no other, nor is it forgotten for one that borrows it', async () => {
    const { auth } = await openRescind({ keys, verifiedTokenCacheSize: 2 })
    const { accessToken } = await auth.issue({ sub: 'alice' })
    const [header = '', , signature = ''] = accessToken.split('.')
    const payload = payloadOf(accessToken)
    const borrowed = [
      `${header}.${encode({ ...payload, sub: 'mallory' })}.${signature}`,
      `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ ...payload, sub: 'mallory' })}.${signature}`,
      `${header}.${encode({ ...payload, exp: 9_999_999_999 })}.${signature}`,
      signature,
      `.${signature}`,
      `..${signature.slice(-43)}`,
    ]
    for (let round = 0; round < 3; round += 1) {
      expect(await verdict(auth, accessToken)).toBe('ok')
      for (const token of borrowed) expect(['token_invalid', 'token_malformed']).toContain(await verdict(auth, token))
    }
    expect((await auth.verify(accessToken)).sub).toBe('alice')
  })

  it('is told from others that come and go', async () => {
    const { auth } = await openRescind({ keys, verifiedTokenCacheSize: 4 })
    const pairs = await Promise.all(Array.from({ length: 20 }, (_, n) => auth.issue({ sub: `user-${n}` })))
    for (let round = 0; round < 3; round += 1) {
      for (const [n, { accessToken }] of pairs.entries()) expect((await auth.verify(accessToken)).sub).toBe(`user-${n}`)
    }
  })
})

describe('what a stranger sends', () => {
  const CAPACITY = 400
  const HONEST = 200
  const ONE_TIME_PER_REQUEST = 10

  /** The share of honest requests whose token was remembered: then its claims are the very object of the time before. */
  async function attacked(hostile: (auth: Auth, tokens: readonly string[]) => Promise<void>, isNew: boolean) {
    // The quickest to sign and to verify: tens of thousands are.
    const keys = createKeyRing({ active: generateKey('HS256') })
    const { auth } = await openRescind({ keys, verifiedTokenCacheSize: CAPACITY })
    const honest = await Promise.all(Array.from({ length: HONEST }, (_, n) => auth.mint({ sub: `user-${n}` })))
    const seen = new Map<string, object>()
    const round = async (during: typeof hostile) => {
      let hits = 0
      for (const token of honest) {
        const { claims } = await auth.verify(token)
        if (seen.get(token) === claims) hits += 1
        seen.set(token, claims)
        await during(auth, honest)
      }
      return hits / HONEST
    }
    const calm = async () => {}
    for (let n = 0; n < 2 && !isNew; n += 1) await round(calm)
    const rounds = []
    // Newcomers get in by chance, some in each round: by the 16th round 197 to 200 of them had, by the 30th all.
    for (let n = 0; n < (isNew ? 32 : 4); n += 1) rounds.push(await round(hostile))
    return isNew ? rounds.slice(-4) : rounds
  }

  type Auth = Awaited<ReturnType<typeof openRescind>>['auth']
  const oneTimeTokens = async (auth: Auth) => {
    for (let n = 0; n < ONE_TIME_PER_REQUEST; n += 1) await auth.verify(await auth.mint({ sub: 'mallory' }))
  }
  const badSignatures = async (auth: Auth, tokens: readonly string[]) => {
    for (const token of tokens.slice(0, ONE_TIME_PER_REQUEST)) {
      const [header = '', , signature = ''] = token.split('.')
      const forged = `${header}.${encode({ ...payloadOf(token), sub: 'mallory' })}.${signature}`
      for (let twice = 0; twice < 2; twice += 1) expect(await verdict(auth, forged)).toBe('token_invalid')
    }
  }

  it.each([
    ['good tokens used once', oneTimeTokens],
    ['forged tokens', badSignatures],
  ])('does not push out what is remembered: %s', async (_name, hostile) => {
    for (const hitRate of await attacked(hostile, false)) expect(hitRate).toBeGreaterThanOrEqual(0.95)
  })

  it('does not keep newcomers out', async () => {
    for (const hitRate of await attacked(oneTimeTokens, true)) expect(hitRate).toBeGreaterThanOrEqual(0.95)
  })
})
