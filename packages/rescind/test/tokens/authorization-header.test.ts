import fc from 'fast-check'
import type { CheckOptions, Decision } from 'rescind'
import { describe, expect, it } from 'vitest'
import { forge, makeMaterial, startFixture } from './forge.ts'

const material = makeMaterial('HS256')
const { auth } = await startFixture(material)
const good = forge(material)

function check(value: string | readonly string[] | undefined, options?: CheckOptions): Decision {
  const decision = auth.check(
    { method: 'GET', url: '/', header: (name) => (name === 'authorization' ? value : undefined) },
    options,
  )
  if (decision instanceof Promise) throw new Error('a live replica answers at once')
  return decision
}
function code(value: string | readonly string[] | undefined, options?: CheckOptions): string {
  const decision = check(value, options)
  return decision.ok ? 'accepted' : decision.error.code
}

describe('the Authorization header', () => {
  it.each([`Bearer ${good}`, `bearer ${good}`, `BEARER ${good}`, `bEARER ${good}`])('is read: %s', (value) => {
    expect(code(value)).toBe('accepted')
  })

  it.each([
    [undefined],
    [''],
    [`Basic ${good}`],
    ['Basic YWxpY2U6cGFzc3dvcmQ='],
    [`DPoP ${good}`],
    [`Token ${good}`],
    [`JWT ${good}`],
    [`Bear ${good}`],
    [`Bearers ${good}`],
    [`Bearer: ${good}`],
    [`Bearer,${good}`],
    [`Bearer\t${good}`],
    [`Bearer\u00a0${good}`],
    [` Bearer ${good}`],
    [good],
  ])('without the scheme means no token: %j', (value) => {
    expect(code(value)).toBe('token_missing')
  })

  it.each([
    'Bearer',
    'bearer',
    'Bearer ',
    'Bearer  ',
    `Bearer  ${good}`,
    `Bearer ${good} `,
    `Bearer ${good} ${good}`,
    `Bearer Bearer ${good}`,
    `Bearer ${good}, Bearer ${good}`,
    `Bearer ${good},${good}`,
    `Bearer "${good}"`,
    `Bearer token="${good}"`,
    `Bearer ${good}\n`,
    `Bearer ${good}\0`,
    `Bearer \t${good}`,
    'Bearer undefined',
    'Bearer null',
    'Bearer [object Object]',
  ])('with the scheme must hold one token and nothing else: %j', (value) => {
    expect(code(value)).toBe('token_malformed')
  })

  it('sent several times is refused, whatever the values: which identity is meant is not ours to guess', () => {
    const bearer = `Bearer ${good}`
    for (const values of [[bearer, bearer], [bearer, 'Basic x'], ['Basic x', bearer], ['', bearer], [bearer], []]) {
      expect(code(values)).toBe('token_malformed')
      expect(code(values, { optional: true })).toBe('token_malformed')
    }
  })

  it('may be missing on an optional route, and must be good when it is there', () => {
    expect(check(undefined, { optional: true })).toEqual({ ok: true, principal: null })
    expect(check(`Bearer ${good}`, { optional: true })).toMatchObject({ ok: true, principal: { sub: 'alice' } })
    expect(code('Bearer', { optional: true })).toBe('token_malformed')
    expect(code(`Bearer ${forge(makeMaterial('HS256'))}`, { optional: true })).toBe('token_invalid')
  })

  it('never throws and never passes, whatever a client sends', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
      fc.string({ maxLength: 200 }),
      fc.stringMatching(/^[A-Za-z0-9_-]{0,40}(\.[A-Za-z0-9_-]{0,40}){0,5}$/),
      fc
        .json()
        .map((json) => `${Buffer.from(json).toString('base64url')}.${Buffer.from(json).toString('base64url')}.AAAA`),
      fc.tuple(fc.nat(good.length - 1), fc.string({ minLength: 1, maxLength: 3 })).map(([at, put]) => {
        const changed = good.slice(0, at) + put + good.slice(at + 1)
        return changed === good ? `${good}x` : changed
      }),
    )
    const scheme = fc.constantFrom('Bearer ', 'bearer ', 'BEARER ', 'Bearer', 'Bearer  ', '', 'Basic ')
    const value = fc.oneof(
      fc.tuple(scheme, text).map((parts) => parts.join('')),
      fc.array(fc.tuple(scheme, text).map((parts) => parts.join(''))),
    )
    const codes = new Map<string, number>()
    fc.assert(
      fc.property(value, fc.constantFrom('access', 'refresh', 'any'), (header, type) => {
        const answered = code(header, { type })
        codes.set(answered, (codes.get(answered) ?? 0) + 1)
        return ['token_missing', 'token_malformed', 'token_invalid'].includes(answered)
      }),
      { numRuns: 5_000 },
    )
    // Each refusal was reached, so the fuzz got past the scheme and the segments.
    expect([...codes.keys()].sort()).toEqual(['token_invalid', 'token_malformed', 'token_missing'])
    expect(code(`Bearer ${good}`)).toBe('accepted')
  })
})
