import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTokenCookies } from '../../src/web/cookies.ts'
import { createTokenLocator, type LocationOptions, type TokenSlot } from '../../src/web/locations.ts'
import { attempt, configMessage, viewOf } from './helpers.ts'

const cookies = createTokenCookies({}, true)
const locatorOf = (options: LocationOptions) => createTokenLocator(options, cookies)

function inQuery(url: string, query: LocationOptions['query'] = {}) {
  const found = attempt(() => locatorOf({ locations: ['query'], query }).locate(viewOf({ url }), 'access'))
  if ('code' in found) return found.code
  return found.token ?? found.missing[0]?.reason
}

function inBody(
  body: unknown,
  options: { type?: string | string[]; slot?: TokenSlot; location?: LocationOptions } = {},
) {
  const { type = 'application/json', slot = 'access', location = {} } = options
  const view = viewOf({ method: 'POST', headers: { 'content-type': type }, body })
  const found = attempt(() => locatorOf({ ...location, locations: ['body'] }).locate(view, slot))
  if ('code' in found) return found.code
  return found.token ?? found.missing[0]?.reason
}

describe('a token in the query string', () => {
  it.each(['/?token=xyz', '/a/b?c=d&token=xyz&e', '/?token=xyz#token=abc', '/?token=xyz&token=xyz', '?token=xyz'])(
    'is found: %s',
    (url) => {
      expect(inQuery(url)).toBe('xyz')
    },
  )

  it.each(['/', '/token=xyz', '/?', '/?token', '/?token=', '/?Token=xyz', '/?tokens=xyz', '/#?token=xyz', ''])(
    'is missing: %s',
    (url) => {
      expect(inQuery(url)).toBe('no_parameter')
    },
  )

  it('is refused where the parameter comes twice with different values, in whatever spelling', () => {
    for (const url of ['/?token=a&token=b', '/?token=a&x=y&token=', '/?token=&token=a', '/?token=a&%74oken=b']) {
      expect(inQuery(url)).toBe('token_malformed')
    }
  })

  it('goes by the name and the prefix that are configured', () => {
    expect(inQuery('/?jwt=xyz&token=abc', { name: 'jwt' })).toBe('xyz')
    expect(inQuery('/?token=Bearer%20xyz', { prefix: 'Bearer ' })).toBe('xyz')
    expect(inQuery('/?token=Bearer+xyz', { prefix: 'Bearer ' })).toBe('xyz')
    expect(inQuery('/?token=xyz', { prefix: 'Bearer ' })).toBe('no_prefix')
    expect(inQuery('/?token=bearer+xyz', { prefix: 'Bearer ' })).toBe('no_prefix')
    expect(inQuery('/?token=Bearer+', { prefix: 'Bearer ' })).toBe('token_malformed')
    expect(configMessage(() => locatorOf({ query: { name: '' } }))).toMatch(/^query\.name must/)
  })

  it('is not looked for in a query string beyond all measure', () => {
    expect(inQuery(`/?token=xyz&pad=${'x'.repeat(16_000)}`)).toBe('xyz')
    expect(inQuery(`/?token=xyz&pad=${'x'.repeat(17_000)}`)).toBe('token_malformed')
  })

  it('comes out as it was put in, by any encoder', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 })
    fc.assert(
      fc.property(text, text, text, (name, prefix, token) => {
        const written = new URLSearchParams([[name, prefix + token]]).toString()
        expect(inQuery(`/?${written}`, { name, prefix })).toBe(token)
        const percent = `${encodeURIComponent(name)}=${encodeURIComponent(prefix + token)}`
        expect(inQuery(`/a?${percent}`, { name, prefix })).toBe(token)
      }),
    )
  })
})

describe('a token in the body', () => {
  it('is found by the key of its slot', () => {
    expect(inBody({ access_token: 'a', refresh_token: 'r' })).toBe('a')
    expect(inBody({ access_token: 'a', refresh_token: 'r' }, { slot: 'refresh' })).toBe('r')
    const location = { body: { accessKey: 'jwt', refreshKey: 'again' } }
    expect(inBody({ jwt: 'a', again: 'r' }, { location })).toBe('a')
    expect(inBody({ jwt: 'a', again: 'r' }, { location, slot: 'refresh' })).toBe('r')
    expect(configMessage(() => locatorOf({ body: { refreshKey: '' } }))).toMatch(/^body\.refreshKey must/)
  })

  it.each(['application/json', 'Application/JSON', 'application/json; charset=utf-8', 'application/json ;a=b'])(
    'is read as %s',
    (type) => {
      expect(inBody({ access_token: 'xyz' }, { type })).toBe('xyz')
    },
  )

  it.each([
    '',
    'text/plain',
    'text/plain; application/json',
    'application/jsonp',
    'application/problem+json',
    'application/x-www-form-urlencoded',
    ['application/json', 'text/plain'],
  ])('is not read as %j', (type) => {
    expect(inBody({ access_token: 'xyz' }, { type })).toBe('content_type')
  })

  it('is missing without the key, or where the route reads no body', () => {
    for (const body of [{}, { access_token: '' }, { access_token: null }, [], ['xyz'], null, 'access_token', 1]) {
      expect(inBody(body)).toBe('no_key')
    }
    expect(inBody(undefined)).toBe('no_key')
    const unread = { ...viewOf({ headers: { 'content-type': 'application/json' } }), body: () => undefined }
    expect(locatorOf({ locations: ['body'] }).locate(unread, 'access')).toEqual({
      token: null,
      missing: [{ location: 'body', reason: 'no_key' }],
    })
  })

  it('is refused where it is no string', () => {
    for (const value of [1, true, false, 0, ['xyz'], { toString: () => 'xyz' }]) {
      expect(inBody({ access_token: value })).toBe('token_malformed')
    }
  })

  it('is not taken from a prototype', () => {
    expect(inBody(Object.create({ access_token: 'xyz' }))).toBe('no_key')
    const location = { body: { accessKey: '__proto__' } }
    expect(inBody({}, { location })).toBe('no_key')
    expect(inBody(JSON.parse('{"__proto__":"xyz"}'), { location })).toBe('xyz')
    const bare = Object.assign(Object.create(null), { access_token: 'xyz' })
    expect(inBody(bare)).toBe('xyz')
  })

  it('is left alone where no location asks for it', () => {
    const view = {
      ...viewOf({ headers: { 'content-type': 'application/json' } }),
      body: () => {
        throw new Error('the body was read')
      },
    }
    expect(locatorOf({ locations: ['header', 'cookie', 'query'] }).locate(view, 'access')).toMatchObject({
      token: null,
    })
  })
})
