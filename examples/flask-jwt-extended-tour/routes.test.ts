import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { claimsOf } from '../support/process.ts'
import { msg, openTour, STARTING_MS, startTour, type Tour } from './tour.ts'

const FOO = { status: 200, body: { foo: 'bar' } }
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
const LOCATIONS = ['headers', 'cookies', 'json', 'query_string'] as const
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

describe('as it is', () => {
  let tour: Tour
  beforeAll(async () => {
    tour = await startTour()
  }, STARTING_MS)
  afterAll(async () => {
    await tour.stop()
  })

  it('logs in with a fresh access token, and refuses a wrong password', async () => {
    const { access, refresh } = await tour.logIn('admin')
    const life = {
      iat: expect.any(Number),
      nbf: expect.any(Number),
      exp: expect.any(Number),
      jti: expect.stringMatching(UUID),
    }
    expect(claimsOf(access)).toEqual({ ...life, sub: 'admin', type: 'access', fresh: true, is_administrator: true })
    expect(claimsOf(refresh)).toMatchObject({ ...life, sub: 'admin', type: 'refresh', fresh: false })
    const wrong = msg(401, 'Bad username or password')
    for (const json of [{ username: 'admin', password: '1' }, { username: 'nobody', password: '123456' }, {}, []]) {
      expect(await tour.ask('POST /login', { json })).toEqual(wrong)
    }
    expect(await tour.ask('POST /login')).toEqual(wrong)
  })

  it('protects a route for each method, and lets OPTIONS pass', async () => {
    const { access } = await tour.logIn()
    for (const method of METHODS) {
      const reply = await tour.ask(`${method} /protected`, { token: access })
      expect(reply, method).toEqual({ status: 200, body: { logged_in_as: 'user', location: 'headers' } })
      expect(await tour.ask(`${method} /protected`), method).toEqual(msg(401, 'Missing Authorization Header'))
    }
    expect(await tour.ask('OPTIONS /protected')).toEqual({ status: 200, body: { options: true } })
  })

  it('knows strangers on an optional route', async () => {
    const { access } = await tour.logIn()
    for (const method of ['GET', 'POST']) {
      expect((await tour.ask(`${method} /optionally_protected`)).body).toEqual({ logged_in_as: 'anonymous user' })
      expect((await tour.ask(`${method} /optionally_protected`, { token: access })).body).toEqual({
        logged_in_as: 'user',
      })
    }
    expect((await tour.ask('GET /optionally_protected', { token: 'abc' })).status).toBe(422)
  })

  it('looks for the token in one place alone', async () => {
    const { access } = await tour.logIn()
    const carried = {
      headers: { token: access },
      cookies: { cookies: { access_token_cookie: access } },
      json: { json: { access_token: access } },
      query_string: {},
    }
    for (const location of LOCATIONS) {
      const method = location === 'json' ? 'POST' : 'GET'
      const query = location === 'query_string' ? `?jwt=${access}` : ''
      const reply = await tour.ask(`${method} /only_${location}${query}`, carried[location])
      expect(reply, location).toEqual({ status: 200, body: { logged_in_as: 'user', location } })
      const elsewhere = location === 'headers' ? {} : { token: access }
      expect((await tour.ask(`GET /only_${location}`, elsewhere)).status, location).toBe(401)
    }
  })

  it('refreshes with a refresh token, and the new token is not fresh', async () => {
    const { access, refresh } = await tour.logIn()
    expect(await tour.ask('GET /fresh', { token: access })).toEqual(FOO)
    const { status, body } = await tour.ask('POST /refresh', { token: refresh })
    expect(status).toBe(200)
    const stale = String(body.access_token)
    expect(claimsOf(stale)).toMatchObject({ sub: 'user', type: 'access', fresh: false })
    expect(await tour.ask('GET /fresh', { token: stale })).toEqual(msg(401, 'Fresh token required'))
    expect(await tour.ask('POST /refresh', { token: access })).toEqual(msg(422, 'Only refresh tokens are allowed'))
    expect(await tour.ask('GET /protected', { token: refresh })).toEqual(
      msg(422, 'Only non-refresh tokens are allowed'),
    )
  })

  it('mints tokens as it is told: freshness, life, claims, headers', async () => {
    const fresh = async (order: object) =>
      (await tour.ask('GET /fresh', { token: await tour.mint({ identity: 'a', ...order }) })).status
    expect([await fresh({}), await fresh({ fresh: true }), await fresh({ fresh_for: 60 })]).toEqual([401, 200, 200])
    expect(await fresh({ fresh_for: -60 })).toBe(401)
    const endless = await tour.mint({
      identity: 'a',
      type: 'refresh',
      expires_delta: false,
      claims: { a: [1] },
      headers: { x: 'y' },
    })
    expect((await tour.ask('GET /claims', { token: endless })).body).toEqual({
      claims: { ...claimsOf(endless), sub: 'a', type: 'refresh', fresh: false, a: [1] },
      header: { alg: 'HS256', typ: 'JWT', x: 'y' },
    })
    expect(claimsOf(endless)).not.toHaveProperty('exp')
    const short = claimsOf(await tour.mint({ identity: 'a', expires_delta: 5 }))
    expect(Number(short.exp) - Number(short.iat)).toBe(5)
  })

  it('says who it is, and lets administrators in', async () => {
    const { access } = await tour.logIn('admin')
    expect((await tour.ask('GET /whoami', { token: access })).body).toEqual({ id: null, username: 'admin' })
    expect(await tour.ask('GET /admin', { token: access })).toEqual(FOO)
    const user = await tour.logIn()
    expect(await tour.ask('GET /admin', { token: user.access })).toEqual(msg(403, 'Admins only!'))
    const made = await tour.mint({ identity: 'x', claims: { is_administrator: true } })
    expect(await tour.ask('GET /admin', { token: made })).toEqual(FOO)
  })

  it('revokes tokens of both types with one route', async () => {
    const { access, refresh } = await tour.logIn()
    const other = await tour.logIn()
    expect(await tour.ask('DELETE /logout', { token: access })).toEqual(msg(200, 'Access token successfully revoked'))
    expect(await tour.ask('GET /protected', { token: access })).toEqual(msg(401, 'Token has been revoked'))
    expect(await tour.ask('GET /skip_revocation', { token: access })).toEqual(FOO)
    expect((await tour.ask('POST /refresh', { token: refresh })).status).toBe(200)
    expect(await tour.ask('DELETE /logout', { token: refresh })).toEqual(msg(200, 'Refresh token successfully revoked'))
    expect(await tour.ask('POST /refresh', { token: refresh })).toEqual(msg(401, 'Token has been revoked'))
    expect(await tour.ask('DELETE /logout', { token: refresh })).toEqual(msg(401, 'Token has been revoked'))
    expect((await tour.ask('GET /protected', { token: other.access })).status).toBe(200)
    const endless = await tour.mint({ identity: 'a', expires_delta: false })
    expect((await tour.ask('DELETE /logout', { token: endless })).status).toBe(200)
    expect((await tour.ask('GET /protected', { token: endless })).status).toBe(401)
  })

  it('revokes both tokens of a login, in three ways', async () => {
    const alive = async ({ access = '', refresh = '' }) => [
      (await tour.ask('GET /protected', { token: access })).status,
      (await tour.ask('POST /refresh', { token: refresh })).status,
    ]
    const both = msg(200, 'Both tokens successfully revoked')
    const [sent, other] = [await tour.logIn('admin'), await tour.logIn('admin')]
    const stranger = await tour.logIn('user')
    const foreign = { token: sent.access, json: { refresh_token: stranger.refresh } }
    expect(await tour.ask('DELETE /logout_both', foreign)).toEqual(msg(403, 'Not your token!'))
    const own = { token: sent.access, json: { refresh_token: sent.refresh } }
    expect(await tour.ask('DELETE /logout_both', own)).toEqual(both)
    expect([await alive(sent), await alive(other)]).toEqual([
      [401, 401],
      [200, 200],
    ])
    const { body } = await tour.ask('POST /login_linked', { json: { username: 'admin', password: '123456' } })
    const linked = { access: String(body.access_token), refresh: String(body.refresh_token) }
    expect(await tour.ask('DELETE /logout_linked', { token: linked.access })).toEqual(both)
    expect([await alive(linked), await alive(other)]).toEqual([
      [401, 401],
      [200, 200],
    ])
    const last = msg(200, 'All tokens successfully revoked')
    expect(await tour.ask('DELETE /logout_everywhere', { token: other.refresh })).toEqual(last)
    expect([await alive(other), await alive(await tour.logIn('admin')), await alive(stranger)]).toEqual([
      [401, 401],
      [200, 200],
      [200, 200],
    ])
  })

  it('decodes tokens by hand', async () => {
    const decode = (json: object) => tour.ask('POST /decode', { json })
    const token = await tour.mint({ identity: 'a', claims: { csrf: 'right' } })
    expect(await decode({ token, csrf_value: 'right' })).toEqual({ status: 200, body: { claims: claimsOf(token) } })
    expect(await decode({ token, csrf_value: 'wrong' })).toEqual({
      status: 400,
      body: { error: 'CSRF double submit tokens do not match' },
    })
    const expired = await tour.mint({ identity: 'a', expires_delta: -1 })
    expect(await decode({ token: expired })).toEqual({ status: 400, body: { error: 'Signature has expired' } })
    expect(await decode({ token: expired, allow_expired: true })).toEqual({
      status: 200,
      body: { claims: claimsOf(expired) },
    })
    expect(await decode({ token: 'abc' })).toEqual({ status: 400, body: { error: 'Not enough segments' } })
    expect((await decode({})).status).toBe(400)
  })
})

it(
  'sets, reads, renews and unsets cookies, protected against cross-site requests',
  async () => {
    const tour = await openTour({ JWT_TOKEN_LOCATION: ['cookies'] })
    const login = await tour.send('POST /login_with_cookies', { json: { username: 'admin', password: '123456' } })
    expect([login.status, login.body]).toEqual([200, { msg: 'login successful' }])
    const names = ['access_token_cookie', 'csrf_access_token', 'refresh_token_cookie', 'csrf_refresh_token']
    expect(Object.keys(login.cookies)).toEqual(names)
    const { cookies } = login
    const csrf = { 'x-csrf-token': cookies.csrf_access_token ?? '' }
    expect((await tour.ask('GET /protected', { cookies })).body).toEqual({ logged_in_as: 'admin', location: 'cookies' })
    expect(await tour.ask('POST /protected', { cookies })).toEqual(msg(401, 'Missing CSRF token'))
    expect((await tour.ask('POST /protected', { cookies, headers: csrf })).status).toBe(200)
    const foreign = { 'x-csrf-token': cookies.csrf_refresh_token ?? '' }
    expect(await tour.ask('POST /protected', { cookies, headers: foreign })).toEqual(
      msg(401, 'CSRF double submit tokens do not match'),
    )
    const refreshed = await tour.send('POST /refresh_cookies', { cookies, headers: foreign })
    expect([refreshed.status, refreshed.body]).toEqual([200, { msg: 'refreshed' }])
    expect(Object.keys(refreshed.cookies)).toEqual(names.slice(0, 2))
    expect(claimsOf(refreshed.cookies.access_token_cookie)).toMatchObject({ sub: 'admin', fresh: false })
    // A token in the last half of its life is renewed in the answer; one that has long to live is not.
    expect((await tour.send('GET /protected', { cookies })).setCookies).toEqual([])
    const old = await tour.mint({ identity: 'admin', expires_delta: 60 })
    const renewed = await tour.send('GET /protected', { cookies: { access_token_cookie: old } })
    expect(claimsOf(renewed.cookies.access_token_cookie)).toMatchObject({ sub: 'admin', type: 'access' })
    const logout = await tour.send('POST /logout_with_cookies', { cookies })
    expect([logout.status, logout.body]).toEqual([200, { msg: 'logout successful' }])
    expect(logout.cookies).toEqual(Object.fromEntries(names.map((name) => [name, ''])))
    expect((await tour.ask('POST /login_with_cookies', { json: { username: 'admin', password: '' } })).status).toBe(401)
  },
  STARTING_MS,
)

it(
  'switches loaders on',
  async () => {
    const tour = await openTour({}, 'lookup,claims,headers')
    for (const [id, username] of [
      [1, 'admin'],
      [2, 'user'],
    ] as const) {
      const { access } = await tour.logIn(username)
      expect((await tour.ask('GET /whoami', { token: access })).body).toEqual({ id, username })
      const { body } = await tour.ask('GET /claims', { token: access })
      expect(body).toMatchObject({
        claims: { upcase_name: username.toUpperCase(), foo: 'loader' },
        header: { 'x-tour': 'loader' },
      })
    }
    const nobody = await tour.mint({ identity: 'nobody' })
    expect(await tour.ask('GET /whoami', { token: nobody })).toEqual(msg(401, 'Error loading the user nobody'))
    const explicit = await tour.mint({
      identity: 'user',
      claims: { foo: 'explicit' },
      headers: { 'x-tour': 'explicit' },
    })
    expect((await tour.ask('GET /claims', { token: explicit })).body).toMatchObject({
      claims: { upcase_name: 'USER', foo: 'explicit' },
      header: { 'x-tour': 'explicit' },
    })
  },
  STARTING_MS,
)

it(
  'words its answers as the loaders say',
  async () => {
    const tour = await openTour({}, 'messages')
    const { access } = await tour.logIn()
    const stale = await tour.mint({ identity: 'a' })
    await tour.ask('DELETE /logout', { token: access })
    const answers: [string, string, string | undefined, object][] = [
      [
        'an expired token',
        '/protected',
        await tour.mint({ identity: 'a', expires_delta: -1 }),
        { message: 'The token has expired.', error: 'token_expired' },
      ],
      ['no token at all', '/protected', 'abc', { message: 'Signature verification failed.', error: 'invalid_token' }],
      [
        'no token',
        '/protected',
        undefined,
        { description: 'Request does not contain an access token.', error: 'authorization_required' },
      ],
      ['a stale token', '/fresh', stale, { description: 'The token is not fresh.', error: 'fresh_token_required' }],
      ['a revoked token', '/protected', access, { description: 'The token has been revoked.', error: 'token_revoked' }],
    ]
    for (const [what, path, token, body] of answers) {
      expect(await tour.ask(`GET ${path}`, token === undefined ? {} : { token }), what).toEqual({ status: 401, body })
    }
  },
  STARTING_MS,
)
