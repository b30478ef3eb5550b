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
