import { type AdapterFixture, bearer, withAccess, withRefresh } from './fixture.ts'

const OWN_HEADER = { header: { name: 'X-Access-Token', scheme: '' } } as const

const own = (token: string): readonly [string, string] => ['X-Access-Token', token]

/** Which tokens pass, and what refuses the others. */
export const tokenFixtures: readonly AdapterFixture[] = [
  {
    name: 'a good token',
    request: withAccess,
    expected: { principal: { sub: 'alice', type: 'access', fresh: true, location: 'header' } },
  },
  { name: 'no token', request: () => ({}), expected: { code: 'token_missing', challenge: 'Bearer' } },
  {
    name: 'another scheme',
    request: () => ({ headers: [['Authorization', 'Basic YTpi']] }),
    expected: { code: 'token_missing' },
  },
  {
    name: 'no token after the scheme',
    request: () => ({ headers: [bearer('')] }),
    expected: { code: 'token_malformed' },
  },
  { name: 'what is no token', request: () => ({ headers: [bearer('abc')] }), expected: { code: 'token_malformed' } },
  {
    name: 'a token of another library',
    request: ({ stranger }) => ({ headers: [bearer(stranger.accessToken)] }),
    expected: { code: 'token_invalid' },
  },
  {
    name: 'an expired token',
    before: ({ clock }) => clock.advance(901_000),
    request: withAccess,
    expected: { code: 'token_expired', challenge: 'error="invalid_token"' },
  },
  {
    name: 'a revoked token',
    before: ({ auth, alice }) => auth.revoke.session(alice.sid),
    request: withAccess,
    expected: { code: 'token_revoked' },
  },
  {
    name: 'a revoked token, where that is skipped',
    options: { skipRevocation: true },
    before: ({ auth, alice }) => auth.revoke.session(alice.sid),
    request: withAccess,
    expected: { principal: { sub: 'alice' } },
  },
  {
    name: 'the Authorization header twice, with one token',
    request: ({ alice }) => ({ headers: [bearer(alice.accessToken), bearer(alice.accessToken)] }),
    expected: { code: 'token_malformed' },
  },
  {
    name: 'the Authorization header twice, with two users',
    request: ({ alice, bob }) => ({ headers: [bearer(alice.accessToken), bearer(bob.accessToken)] }),
    expected: { code: 'token_malformed' },
  },
  {
    name: 'a header of its own name',
    settings: OWN_HEADER,
    request: ({ alice }) => ({ headers: [own(alice.accessToken)] }),
    expected: { principal: { sub: 'alice' } },
  },
  {
    name: 'a header of its own name twice',
    settings: OWN_HEADER,
    request: ({ alice, bob }) => ({ headers: [own(alice.accessToken), own(bob.accessToken)] }),
    expected: { code: 'token_malformed' },
  },
  { name: 'a refresh token', request: withRefresh, expected: { code: 'wrong_token_type' } },
  {
    name: 'a refresh token where one is asked for',
    options: { type: 'refresh' },
    request: withRefresh,
    expected: { principal: { sub: 'alice', type: 'refresh' } },
  },
  {
    name: 'an access token where a refresh token is asked for',
    options: { type: 'refresh' },
    request: withAccess,
    expected: { code: 'wrong_token_type' },
  },
  {
    name: 'a refresh token where either will do',
    options: { type: 'any' },
    request: withRefresh,
    expected: { principal: { type: 'refresh' } },
  },
  {
    name: 'a fresh token where one is asked for',
    options: { fresh: true },
    request: withAccess,
    expected: { principal: {} },
  },
  {
    name: 'a token that is not fresh',
    options: { fresh: true },
    request: ({ bob }) => ({ headers: [bearer(bob.accessToken)] }),
    expected: { code: 'fresh_token_required', challenge: 'insufficient_user_authentication' },
  },
  {
    name: 'no token on an optional route',
    options: { optional: true },
    request: () => ({}),
    expected: { principal: null },
  },
  {
    name: 'a token on an optional route',
    options: { optional: true },
    request: withAccess,
    expected: { principal: { sub: 'alice' } },
  },
  {
    name: 'a bad token on an optional route',
    options: { optional: true },
    request: () => ({ headers: [bearer('abc')] }),
    expected: { code: 'token_malformed' },
  },
]
