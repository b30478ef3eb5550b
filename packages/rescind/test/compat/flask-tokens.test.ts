import { expect, it } from 'vitest'
import { ask, bearer, msg, openFlask, payloadOf } from './support/flask.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

it('creates tokens with the claims of the original', async () => {
  const { jwt, clock } = await openFlask()
  const now = Math.floor(clock.now() / 1000)
  const shared = { iat: now, nbf: now, sub: 'alice', jti: expect.stringMatching(UUID), fresh: false }
  expect(payloadOf(await jwt.createAccessToken('alice'))).toEqual({ ...shared, type: 'access', exp: now + 900 })
  expect(payloadOf(await jwt.createRefreshToken('alice'))).toEqual({ ...shared, type: 'refresh', exp: now + 2_592_000 })
  expect(jwt.getUnverifiedJwtHeaders(await jwt.createAccessToken('alice'))).toEqual({ alg: 'HS256', typ: 'JWT' })
})

it('creates tokens as the options say', async () => {
  const { jwt } = await openFlask({
    JWT_ACCESS_TOKEN_EXPIRES: false,
    JWT_REFRESH_TOKEN_EXPIRES: { days: 1 },
    JWT_IDENTITY_CLAIM: 'who',
    JWT_ENCODE_NBF: false,
    JWT_ENCODE_AUDIENCE: ['a', 'b'],
    JWT_ENCODE_ISSUER: 'me',
    JWT_ALGORITHM: 'HS384',
    JWT_TOKEN_LOCATION: ['cookies'],
  })
  const access = await jwt.createAccessToken('alice')
  const payload = payloadOf(access)
  expect(payload).toMatchObject({
    who: 'alice',
    aud: ['a', 'b'],
    iss: 'me',
    csrf: expect.stringMatching(/^[\w-]{43}$/),
  })
  for (const name of ['exp', 'nbf', 'sub']) expect(payload).not.toHaveProperty(name)
  const refresh = payloadOf(await jwt.createRefreshToken('alice'))
  expect(Number(refresh.exp) - Number(refresh.iat)).toBe(86_400)
  expect(jwt.getUnverifiedJwtHeaders(access)).toEqual({ alg: 'HS384', typ: 'JWT' })
  expect(await jwt.decodeToken(access)).toEqual(payload)
})

it('creates tokens as the arguments say, which win over the loaders', async () => {
  const { jwt, clock } = await openFlask(
    {},
    {
      loaders: {
        additionalClaims: async (name) => ({ foo: 'loader', upper: name.toUpperCase() }),
        additionalHeaders: () => ({ 'x-tour': 'loader', kid: 'one' }),
      },
    },
  )
  const token = await jwt.createAccessToken('alice', {
    fresh: { minutes: 5 },
    expiresDelta: -1,
    additionalClaims: { foo: 'argument', sub: 'bob' },
    additionalHeaders: { kid: 'two' },
  })
  expect(payloadOf(token)).toMatchObject({ foo: 'argument', upper: 'ALICE', sub: 'bob' })
  expect(payloadOf(token).fresh).toBe(clock.now() / 1000 + 300)
  expect(jwt.getUnverifiedJwtHeaders(token)).toEqual({ alg: 'HS256', typ: 'JWT', 'x-tour': 'loader', kid: 'two' })
  expect(await ask(jwt, bearer(token))).toEqual(msg(401, 'Token has expired'))
  const endless = await jwt.createAccessToken('alice', { expiresDelta: false, fresh: true })
  clock.advance(86_400_000 * 365 * 9)
  expect(await ask(jwt, bearer(endless), { fresh: true })).toHaveProperty('principal.identity', 'alice')
})

it('ends a token of no life at once, which the original makes one without end', async () => {
  const { jwt } = await openFlask()
  const token = await jwt.createAccessToken('alice', { expiresDelta: 0 })
  expect(await ask(jwt, bearer(token))).toEqual(msg(401, 'Token has expired'))
})

it('creates no token that it would refuse', async () => {
  const { jwt } = await openFlask()
  for (const name of ['alg', 'crit', 'jwk', 'b64']) {
    await expect(jwt.createAccessToken('a', { additionalHeaders: { [name]: 'x' } })).rejects.toThrow(`"${name}"`)
  }
  await expect(jwt.createAccessToken('a', { additionalHeaders: { kid: 5 } })).rejects.toThrow(
    'Key ID header parameter must be a string',
  )
  await expect(jwt.createAccessToken('a', { additionalClaims: { iss: 1 } })).rejects.toThrow('iss')
  await expect(jwt.createAccessToken('a'.repeat(9_000))).rejects.toThrow('bytes')
})

it('decodes tokens, with the CSRF token that is expected and past their end', async () => {
  const { jwt, clock } = await openFlask({ JWT_TOKEN_LOCATION: 'cookies', JWT_DECODE_LEEWAY: 5 })
  const token = await jwt.createAccessToken('alice')
  const csrf = await jwt.getCsrfToken(token)
  expect(await jwt.decodeToken(token, { csrfValue: csrf })).toEqual(payloadOf(token))
  await expect(jwt.decodeToken(token, { csrfValue: 'x' })).rejects.toMatchObject({
    code: 'csrf_failed',
    message: 'CSRF double submit tokens do not match',
  })
  expect(await jwt.getJti(token)).toBe(payloadOf(token).jti)
  expect(await jwt.getJti(await jwt.createAccessToken('a', { additionalClaims: { jti: 'mine' } }))).toBe('mine')
  clock.advance(904_000)
  expect(await jwt.decodeToken(token)).toEqual(payloadOf(token))
  clock.advance(1_001)
  await expect(jwt.decodeToken(token)).rejects.toMatchObject({
    code: 'token_expired',
    message: 'Signature has expired',
  })
  expect(await jwt.decodeToken(token, { allowExpired: true })).toEqual(payloadOf(token))
  await expect(jwt.decodeToken('abc')).rejects.toMatchObject({ code: 'token_invalid', message: 'Not enough segments' })
  expect(() => jwt.getUnverifiedJwtHeaders('abc')).toThrow('Not enough segments')
})

it('sets and unsets the cookies of the original', async () => {
  const { jwt } = await openFlask({ JWT_TOKEN_LOCATION: 'cookies', JWT_REFRESH_COOKIE_PATH: '/refresh' })
  const access = await jwt.createAccessToken('alice')
  const refresh = await jwt.createRefreshToken('alice')
  expect(await jwt.setAccessCookies(access)).toEqual([
    `access_token_cookie=${access}; Path=/; HttpOnly; SameSite=Lax`,
    `csrf_access_token=${payloadOf(access).csrf}; Path=/; SameSite=Lax`,
  ])
  expect(await jwt.setRefreshCookies(refresh, { maxAgeSeconds: 60, domain: 'example.com' })).toEqual([
    `refresh_token_cookie=${refresh}; Max-Age=60; Domain=example.com; Path=/refresh; HttpOnly; SameSite=Lax`,
    `csrf_refresh_token=${payloadOf(refresh).csrf}; Max-Age=60; Domain=example.com; Path=/; SameSite=Lax`,
  ])
  expect(jwt.unsetJwtCookies()).toEqual([
    'access_token_cookie=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax',
    'csrf_access_token=; Max-Age=0; Path=/; SameSite=Lax',
    'refresh_token_cookie=; Max-Age=0; Path=/refresh; HttpOnly; SameSite=Lax',
    'csrf_refresh_token=; Max-Age=0; Path=/; SameSite=Lax',
  ])
  expect(jwt.unsetAccessCookies()).toHaveLength(2)
  expect(jwt.unsetRefreshCookies({ domain: 'example.com' })[0]).toContain('Domain=example.com')
})

it('sets cookies with every attribute that the options name', async () => {
  const { jwt } = await openFlask({
    JWT_TOKEN_LOCATION: 'cookies',
    JWT_ACCESS_COOKIE_NAME: 'a',
    JWT_ACCESS_COOKIE_PATH: '/api',
    JWT_COOKIE_DOMAIN: 'example.com',
    JWT_COOKIE_SAMESITE: 'None',
    JWT_COOKIE_SECURE: true,
    JWT_SESSION_COOKIE: false,
    JWT_CSRF_IN_COOKIES: false,
  })
  const token = await jwt.createAccessToken('alice')
  expect(await jwt.setAccessCookies(token)).toEqual([
    `a=${token}; Max-Age=31540000; Domain=example.com; Path=/api; Secure; HttpOnly; SameSite=None`,
  ])
  expect(jwt.unsetAccessCookies()).toEqual([
    'a=; Max-Age=0; Domain=example.com; Path=/api; Secure; HttpOnly; SameSite=None',
  ])
})
