import { CompactSign, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { AUDIENCE, answer, families, goodClaims, ISSUER, makeMaterial, NOW, startFixture } from './forge.ts'

const PER_SOURCE = 150

/** Deterministic variety: what a well-behaved issuer may put in beside the claims we read. */
function extraClaims(at: number): Record<string, unknown> {
  const all: Record<string, unknown>[] = [
    {},
    { roles: ['admin', 'user'] },
    { name: 'Zoë Ünïcødé 漢字 🎉' },
    { nested: { a: { b: { c: [1, 2, { d: null }] } } } },
    { 'https://example.com/is_root': true },
    { quotes: '"\\": {,}:"', empty: '', '': 'empty name' },
    { big: 2 ** 53, small: 1e-300, negative: -1.5e10, zero: 0 },
    { list: Array.from({ length: 50 }, (_, index) => ({ index })) },
    { control: '\u0000\u001f\u2028\ud83d\ude00' },
    { text: 'x'.repeat(3000) },
    { constructor: 1, toString: 'x', hasOwnProperty: false },
  ]
  return all[at % all.length] ?? {}
}

function shuffled(claims: Record<string, unknown>, seed: number): Record<string, unknown> {
  const weight = (name: string) => [...name].reduce((sum, char) => (sum * 31 + char.charCodeAt(0) + seed) % 9973, seed)
  return Object.fromEntries(Object.entries(claims).sort(([a], [b]) => weight(a) - weight(b)))
}

function claimsFor(at: number): Record<string, unknown> {
  return shuffled(
    {
      ...extraClaims(at),
      ...goodClaims({
        jti: `jti-${at}`,
        sub: ['alice', 'user|42', 'ältere@example.com', '0', 'a'.repeat(512)][at % 5],
        sid: at % 3 === 0 ? undefined : `sid-${at}`,
        aud: at % 2 === 0 ? AUDIENCE : ['other', AUDIENCE],
        nbf: at % 4 === 0 ? undefined : NOW - at,
        iat: NOW - (at % 900) - (at % 7) / 1000,
        exp: NOW + 1 + at + (at % 3) / 10,
      }),
    },
    at,
  )
}

describe('A5: valid tokens', () => {
  let total = 0

  it.each(families)('none is refused under a %s key', async (alg) => {
    const material = makeMaterial(alg)
    const { auth } = await startFixture(material)
    const refused: string[] = []
    const must = async (token: string, type: 'access' | 'refresh') => {
      const code = await answer(auth, token, { type })
      const request = {
        method: 'GET',
        url: '/',
        header: (name: string) => (name === 'authorization' ? `Bearer ${token}` : undefined),
      }
      const decision = await auth.check(request, { type })
      if (code !== 'accepted' || !decision.ok) refused.push(`${code}: ${token}`)
      total += 1
    }
    for (let at = 0; at < PER_SOURCE; at += 1) {
      const claims = JSON.parse(JSON.stringify(extraClaims(at)))
      const pair = await auth.issue({ sub: `user-${at}`, fresh: at % 2 === 0, claims })
      await must(pair.accessToken, 'access')
      await must(pair.refreshToken, 'refresh')

      const typ = ['JWT', 'at+jwt', 'jwt', 'application/at+jwt'][at % 5]
      const kid = at % 2 === 0 ? material.kid : undefined
      const header = { alg, ...(typ === undefined ? {} : { typ }), ...(kid === undefined ? {} : { kid }) }
      await must(await new SignJWT(claimsFor(at)).setProtectedHeader(header).sign(material.signing), 'access')

      const space = at % 2 === 0 ? '  ' : '\t'
      const text = `\r\n ${JSON.stringify(claimsFor(at), null, space)} \n`.replace('"sub"', '"s\\u0075b"')
      await must(
        await new CompactSign(new TextEncoder().encode(text)).setProtectedHeader(header).sign(material.signing),
        'access',
      )
    }
    expect(refused).toEqual([])
  })

  it('reads the claims of a foreign token as they are', async () => {
    const material = makeMaterial('EdDSA')
    const { auth } = await startFixture(material)
    const claims = claimsFor(3)
    const token = await new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA' }).sign(material.signing)
    const principal = await auth.verify(token)
    expect(principal.claims).toEqual(JSON.parse(JSON.stringify(claims)))
    expect(principal.claims.iss).toBe(ISSUER)
    expect(principal.sid).toBeUndefined()
  })

  it('they were at least 1,000', () => {
    console.log(`A5: ${total} valid tokens, 0 refused`)
    expect(total).toBeGreaterThanOrEqual(1_000)
  })
})
