import { type AdapterFixture, bearer, cookieHeader, type Header, withCookie } from './fixture.ts'
import type { RawRequest } from './raw-http.ts'

const FORM: Header = ['Content-Type', 'application/x-www-form-urlencoded']
const JSON_TYPE: Header = ['Content-Type', 'application/json']
const EVERYWHERE = { locations: ['header', 'cookie', 'query', 'body'] } as const
const COOKIES = { locations: ['cookie'] } as const

const csrf = (token: string | null): Header => ['X-CSRF-Token', token ?? '']
const post = (headers: readonly Header[], body?: unknown): RawRequest => ({ method: 'POST', headers, body })

/** Where a request may carry its token, and what it has to show along with a cookie. */
export const placeFixtures: readonly AdapterFixture[] = [
  {
    name: 'a cookie',
    settings: COOKIES,
    request: withCookie,
    expected: { principal: { sub: 'alice', location: 'cookie' } },
  },
  {
    name: 'a cookie on a POST without the CSRF token',
    settings: COOKIES,
    request: (world) => post([cookieHeader(world.alice)]),
    expected: { code: 'csrf_failed' },
  },
  {
    name: "a cookie on a POST with another's CSRF token",
    settings: COOKIES,
    request: (world) => post([cookieHeader(world.alice), csrf(world.bob.csrfToken)]),
    expected: { code: 'csrf_failed' },
  },
  {
    name: 'a cookie on a POST with its CSRF token',
    settings: COOKIES,
    request: (world) => post([cookieHeader(world.alice), csrf(world.alice.csrfToken)]),
    expected: { principal: { sub: 'alice' } },
  },
  {
    name: 'a cookie on a POST with two CSRF tokens',
    settings: COOKIES,
    request: (world) => post([cookieHeader(world.alice), csrf(world.bob.csrfToken), csrf(world.alice.csrfToken)]),
    expected: { code: 'csrf_failed' },
  },
  {
    name: 'a cookie on a POST with its CSRF token in the form',
    settings: { ...COOKIES, csrf: { form: true } },
    request: (world) => post([cookieHeader(world.alice), FORM], `csrf_token=${world.alice.csrfToken}&note=read`),
    expected: { principal: { sub: 'alice' }, note: 'read' },
  },
  {
    name: 'the cookie twice, with one token',
    settings: COOKIES,
    request: (world) => ({ headers: [cookieHeader(world.alice, world.alice)] }),
    expected: { principal: { sub: 'alice' } },
  },
  {
    name: 'the cookie twice, with two tokens',
    settings: COOKIES,
    request: (world) => ({ headers: [cookieHeader(world.alice, world.bob)] }),
    expected: { code: 'token_malformed' },
  },
  {
    name: 'two cookie headers, with two tokens',
    settings: COOKIES,
    request: (world) => ({ headers: [cookieHeader(world.alice), cookieHeader(world.bob)] }),
    expected: { code: 'token_malformed' },
  },
  {
    name: 'a token in the address',
    settings: EVERYWHERE,
    request: ({ alice }) => ({ path: `/?a=b&token=${alice.accessToken}` }),
    expected: { principal: { sub: 'alice', location: 'query' } },
  },
  {
    name: 'two tokens in the address',
    settings: EVERYWHERE,
    request: ({ alice, bob }) => ({ path: `/?token=${alice.accessToken}&token=${bob.accessToken}` }),
    expected: { code: 'token_malformed' },
  },
  {
    name: 'a token in the body, which the route can read as well',
    settings: EVERYWHERE,
    request: ({ alice }) => post([JSON_TYPE], { access_token: alice.accessToken, note: 'read' }),
    expected: { principal: { sub: 'alice', location: 'body' }, note: 'read' },
  },
  {
    name: 'a token in the body where the route alone looks for one',
    options: { locations: ['body'], type: 'refresh' },
    request: ({ alice }) => post([JSON_TYPE], { refresh_token: alice.refreshToken }),
    expected: { principal: { type: 'refresh', location: 'body' } },
  },
  {
    name: 'what is no token in the body',
    settings: EVERYWHERE,
    request: () => post([JSON_TYPE], { access_token: ['abc'] }),
    expected: { code: 'token_malformed' },
  },
  {
    name: 'a body without a token',
    settings: EVERYWHERE,
    request: () => post([JSON_TYPE], { note: 'read' }),
    expected: { code: 'token_missing' },
  },
  {
    name: 'two tokens, in header and body',
    settings: EVERYWHERE,
    request: ({ alice, bob }) => post([bearer(alice.accessToken), JSON_TYPE], { access_token: bob.accessToken }),
    expected: { code: 'token_malformed' },
  },
  {
    name: 'two tokens, in header and cookie',
    settings: EVERYWHERE,
    request: (world) => ({ headers: [bearer(world.alice.accessToken), cookieHeader(world.bob)] }),
    expected: { code: 'token_malformed' },
  },
  {
    name: 'the same token in header and cookie',
    settings: EVERYWHERE,
    request: (world) => ({ headers: [bearer(world.alice.accessToken), cookieHeader(world.alice)] }),
    expected: { principal: { sub: 'alice', location: 'header' } },
  },
]
