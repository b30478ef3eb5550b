import fc from 'fast-check'
import type { RequestView } from 'rescind'
import { describe, expect, it } from 'vitest'
import { createTokenCookies } from '../../src/web/cookies.ts'
import { createTokenLocator, type LocationName, type LocationOptions, type TokenSlot } from '../../src/web/locations.ts'
import { attempt, configMessage, viewOf } from './helpers.ts'

const ALL: readonly LocationName[] = ['header', 'cookie', 'query', 'body']
const cookies = createTokenCookies({}, true)

/** A request that carries these tokens, an access token wherever the slot matters. */
function carrying(tokens: Partial<Record<LocationName, string>>, slot: TokenSlot = 'access'): RequestView {
  const { header, cookie, query, body } = tokens
  return viewOf({
    url: query === undefined ? '/' : `/?token=${encodeURIComponent(query)}`,
    headers: {
      'content-type': 'application/json',
      ...(header === undefined ? {} : { authorization: `Bearer ${header}` }),
      ...(cookie === undefined ? {} : { cookie: `__Host-${slot}_token=${cookie}` }),
    },
    body: body === undefined ? {} : { [`${slot}_token`]: body },
  })
}

function locate(request: RequestView, options: LocationOptions = {}, only?: readonly LocationName[]) {
  return attempt(() => createTokenLocator(options, cookies).locate(request, 'access', only))
}

describe('the locations of a token', () => {
  it('are the header alone by default', () => {
    expect(locate(carrying({ header: 'xyz' }))).toEqual({ token: 'xyz', location: 'header' })
    expect(locate(carrying({ cookie: 'xyz', query: 'xyz', body: 'xyz' }))).toEqual({
      token: null,
      missing: [{ location: 'header', reason: 'no_header' }],
    })
  })

  it.each(ALL)('can each be configured: %s', (location) => {
    for (const slot of ['access', 'refresh'] as const) {
      const locator = createTokenLocator({ locations: [location] }, cookies)
      expect(locator.locate(carrying({ [location]: 'xyz' }, slot), slot)).toEqual({ token: 'xyz', location })
      const others = ALL.filter((other) => other !== location).map((other) => [other, 'other'])
      expect(locator.locate(carrying(Object.fromEntries(others), slot), slot)).toMatchObject({
        token: null,
        missing: [{ location }],
      })
    }
  })

  it('keep the tokens of the two slots apart', () => {
    const locator = createTokenLocator({ locations: ['cookie', 'body'] }, cookies)
    const both = viewOf({
      headers: { cookie: '__Host-access_token=a; __Host-refresh_token=r', 'content-type': 'application/json' },
      body: { access_token: 'a', refresh_token: 'r' },
    })
    expect(locator.locate(both, 'access')).toMatchObject({ token: 'a' })
    expect(locator.locate(both, 'refresh')).toMatchObject({ token: 'r' })
    expect(locator.locate(carrying({ cookie: 'r' }, 'refresh'), 'access')).toMatchObject({ token: null })
  })

  it('are told of in their order where none holds a token', () => {
    expect(locate(viewOf(), { locations: ['query', 'body', 'cookie', 'header'] })).toEqual({
      token: null,
      missing: [
        { location: 'query', reason: 'no_parameter' },
        { location: 'body', reason: 'content_type' },
        { location: 'cookie', reason: 'no_cookie' },
        { location: 'header', reason: 'no_header' },
      ],
    })
  })

  it('may hold the same token several times: the first location names it', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...ALL], { minLength: 1 }), (locations) => {
        const same = carrying(Object.fromEntries(ALL.map((location) => [location, 'xyz'])))
        expect(locate(same, { locations })).toEqual({ token: 'xyz', location: locations[0] })
      }),
    )
  })

  it('must not hold two different tokens, in whatever order they are looked at', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...ALL], { minLength: 2 }), fc.nat(), (locations, pick) => {
        const odd = locations[pick % locations.length]
        const tokens = Object.fromEntries(locations.map((name) => [name, name === odd ? 'odd' : 'xyz']))
        expect(locate(carrying(tokens), { locations })).toMatchObject({
          code: 'token_malformed',
          message: 'The request carries two different tokens. Send one.',
        })
      }),
    )
  })

  it('refuse what one of them cannot read, even where another holds a token', () => {
    const request = viewOf({ headers: { authorization: 'Bearer a b', cookie: '__Host-access_token=xyz' } })
    expect(locate(request, { locations: ['cookie', 'header'] })).toMatchObject({
      code: 'token_malformed',
      message: 'The Authorization header must be: Bearer <token>.',
    })
    expect(locate(request, { locations: ['cookie'] })).toEqual({ token: 'xyz', location: 'cookie' })
  })

  it('give way to those of the route, which need not be configured', () => {
    const request = carrying({ header: 'h', cookie: 'c', query: 'q', body: 'b' })
    for (const location of ALL) {
      expect(locate(request, {}, [location])).toEqual({ token: location[0], location })
    }
    expect(locate(carrying({ header: 'h' }), {}, ['cookie'])).toMatchObject({ token: null })
    expect(locate(request, {}, ['query', 'header'])).toMatchObject({ code: 'token_malformed' })
  })

  it('must be known, and at least one', () => {
    expect(configMessage(() => createTokenLocator({ locations: [] }, cookies))).toMatch(/^locations must/)
    for (const name of ['headers', 'constructor', '', '__proto__']) {
      const unknown: LocationName = JSON.parse(JSON.stringify(name))
      expect(configMessage(() => createTokenLocator({ locations: [unknown] }, cookies))).toMatch(/^locations must/)
      expect(locate(carrying({ header: 'xyz' }), {}, [unknown])).toMatchObject({ code: 'invalid_config' })
    }
    expect(locate(carrying({ header: 'xyz' }), {}, [])).toMatchObject({ code: 'invalid_config' })
  })

  it('are fixed once they are configured', () => {
    const locations: LocationName[] = ['header']
    const locator = createTokenLocator({ locations }, cookies)
    locations.push('query')
    expect(locator.locate(carrying({ query: 'xyz' }), 'access')).toMatchObject({ token: null })
  })

  it('never throw anything but a RescindError, and never yield a token that was not sent as it is', () => {
    const known = ['Bearer ', 'xyz', '__Host-access_token=', '; ', ', ', '?', 'token=', '&', '#', '"', '=', 'Basic a']
    const textOf = (unit: 'binary' | 'grapheme-ascii') =>
      fc
        .array(fc.oneof(fc.constantFrom(...known), fc.string({ unit, maxLength: 6 })), { maxLength: 8 })
        .map((pieces) => pieces.join(''))
    const header = fc.oneof(textOf('binary'), fc.array(textOf('binary'), { maxLength: 3 }))
    // Without what an address may encode; the query has a test of that.
    const plain = textOf('grapheme-ascii').map((text) => text.replace(/[%+]/g, ''))
    const query = fc
      .array(plain, { maxLength: 3 })
      .map((values) => `/?${values.map((one) => `token=${one}`).join('&')}`)
    const url = fc.oneof(plain, query)
    const body = fc.oneof(fc.anything(), fc.record({ access_token: fc.oneof(textOf('binary'), fc.anything()) }))
    const seen = new Set<string>()
    fc.assert(
      fc.property(header, header, url, body, (authorization, cookie, address, parsed) => {
        const headers = { authorization, cookie, 'content-type': 'application/json' }
        for (const location of ALL) {
          const answer = locate(viewOf({ url: address, headers, body: parsed }), {}, [location])
          seen.add(`${location} ${'code' in answer ? answer.code : answer.token === null ? 'missing' : 'token'}`)
          if ('code' in answer || answer.token === null) continue
          const sent = { header: authorization, cookie: [cookie].flat().join(), query: address, body: tokenIn(parsed) }
          expect(answer.token).not.toBe('')
          expect(sent[location]).toContain(answer.token)
        }
      }),
      { numRuns: 3_000 },
    )
    expect([...seen].sort()).toEqual(
      ALL.flatMap((location) => ['missing', 'token', 'token_malformed'].map((end) => `${location} ${end}`)).sort(),
    )
  })
})

// What is no string is no token: such a body holds none, whatever it would become as text (some cannot become text at all).
function tokenIn(body: unknown): string {
  const value: unknown = Object.getOwnPropertyDescriptor(Object(body), 'access_token')?.value
  return typeof value === 'string' ? value : ''
}
