import { createClient } from 'redis'
import { createKey, createKeyRing, createRescind } from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { createFakeClock, eventually } from 'rescind/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startRedis } from '../../tools/servers/redis.mjs'
import { describeLifecycle } from '../support/lifecycle.ts'
import { claimsOf, type ExampleProcess, forged, runToEnd, startExample } from '../support/process.ts'

const NAME = 'redis-blocklist'
const JWT_SECRET = 'a-secret-of-the-tests-with-enough-bytes'
const HOUR_MS = 3_600_000

const refused = (detail: unknown) => ({ status: 403, body: { detail } })
const INVALID = refused({ error: 'Token is not valid or expired...', resolution: 'Get new access_token' })
const BLOCKED = refused({ error: 'Token is blocked...', resolution: 'Get new access_token' })
const NOT_AUTHENTICATED = refused('Not authenticated')
const WRONG = refused('Invalid Email or Password...')

let server: Awaited<ReturnType<typeof startRedis>>
let app: ExampleProcess
const start = (env: Record<string, string> = {}) => startExample(NAME, { REDIS_URL: server.url, JWT_SECRET, ...env })

beforeAll(async () => {
  server = await startRedis({ persistence: 'aof' })
  app = await start()
})
afterAll(async () => {
  await app?.stop()
  await server?.dispose()
})

let drawn = 0
function newUser() {
  drawn += 1
  return { email: `user-${drawn}@example.com`, password: 'correct horse' }
}

/** A user who has signed up and logged in. */
async function logIn() {
  const user = newUser()
  const { body: signedUp } = await app.call('POST /signup', { json: user })
  const { status, body } = await app.call('POST /login', { json: user })
  return {
    user,
    uid: signedUp.uid,
    status,
    body,
    access: String(body.access_token),
    refresh: String(body.refresh_token),
  }
}

/** A token with the right signature, minted three hours ago to live for one. */
async function expired() {
  const keys = createKeyRing({ active: createKey(JWT_SECRET, { alg: 'HS256' }) })
  const auth = createRescind({ store: memoryStore(), keys, clock: createFakeClock(Date.now() - 3 * HOUR_MS) })
  onTestFinished(() => auth.close())
  return auth.mint({ sub: 'nobody', ttlSeconds: 3_600 })
}

describe('POST /signup', () => {
  it('answers 201 and the user, never the hash', async () => {
    const { status, body } = await app.call('POST /signup', { json: { ...newUser(), username: 'joe' } })
    expect(status).toBe(201)
    expect(body).toEqual({
      uid: expect.stringMatching(/^[\da-f-]{36}$/),
      email: expect.stringContaining('@'),
      username: 'joe',
      created_at: expect.any(String),
    })
  })

  it('refuses an email that is known', async () => {
    const json = newUser()
    await app.call('POST /signup', { json })
    expect(await app.call('POST /signup', { json })).toEqual(refused('User with email already exists'))
  })

  it('of one email twenty times at once succeeds exactly once', async () => {
    const json = newUser()
    const replies = await Promise.all(Array.from({ length: 20 }, () => app.call('POST /signup', { json })))
    expect(replies.filter((reply) => reply.status === 201).length).toBe(1)
    expect(replies.filter((reply) => reply.status === 403).length).toBe(19)
  })
})

describe('POST /login', () => {
  it('answers both tokens and the user', async () => {
    const { status, body, user, uid } = await logIn()
    expect(status).toBe(200)
    expect(body).toEqual({
      message: 'Login Successful',
      access_token: expect.any(String),
      refresh_token: expect.any(String),
      user: { email: user.email, uid },
    })
  })

  it('mints tokens that say who, which, and for how long', async () => {
    const { user, uid, access, refresh } = await logIn()
    for (const [token, isRefresh, seconds] of [
      [access, false, 3_600],
      [refresh, true, 172_800],
    ] as const) {
      const { jti, iat, exp, ...rest } = claimsOf(token)
      expect(rest).toMatchObject({ user: { email: user.email, user_uid: uid }, refresh: isRefresh })
      expect(jti).toEqual(expect.stringMatching(/./))
      expect(Math.ceil(Number(exp) - Number(iat))).toBe(seconds)
    }
    expect(claimsOf(access).jti).not.toBe(claimsOf(refresh).jti)
  })

  it('refuses an unknown email and a wrong password in the same words', async () => {
    const { user } = await logIn()
    expect(await app.call('POST /login', { json: { ...user, password: 'wrong' } })).toEqual(WRONG)
    expect(await app.call('POST /login', { json: newUser() })).toEqual(WRONG)
  })
})

it.each([
  ['no body', undefined],
  ['broken JSON', '{"email":'],
  ['null', null],
  ['an array', []],
  ['no email', { password: 'x' }],
  ['a number for a password', { email: 'nobody@example.com', password: 5 }],
  ['a list of emails', { email: ['a@example.com'], password: 'x' }],
  ['half a surrogate pair in the email', { email: 'a\ud800b', password: 'x' }],
  ['half a surrogate pair in the password', { email: 'nobody@example.com', password: 'a\udfff' }],
  ['an email of a thousand characters', { email: 'x'.repeat(1_000), password: 'x' }],
])('answers 422 to %s, with what is wrong where, as FastAPI does', async (_what, json) => {
  for (const route of ['POST /signup', 'POST /login']) {
    const { status, body } = await app.call(route, { json })
    expect([route, status]).toEqual([route, 422])
    expect(body.detail).toContainEqual({
      type: expect.any(String),
      loc: expect.arrayContaining(['body']),
      msg: expect.any(String),
    })
  }
})

describe('GET /refresh_token', () => {
  it('gives a new access token for a refresh token', async () => {
    const { refresh, access, user, uid } = await logIn()
    const { status, body } = await app.call('GET /refresh_token', { token: refresh })
    expect(status).toBe(200)
    expect(body).toEqual({ access_token: expect.any(String) })
    const claims = claimsOf(body.access_token)
    expect(claims).toMatchObject({ user: { email: user.email, user_uid: uid }, refresh: false })
    expect(claims.jti).not.toBe(claimsOf(access).jti)
    expect((await app.call('GET /logout', { token: String(body.access_token) })).status).toBe(200)
  })

  it('refuses an access token', async () => {
    const { access } = await logIn()
    const reply = await app.call('GET /refresh_token', { token: access })
    expect(reply).toEqual(refused('Please Provide Valid Refresh Token...'))
  })
})

describe('GET /logout', () => {
  it('blocks the access token on every route', async () => {
    const { access, refresh } = await logIn()
    const { status, body } = await app.call('GET /logout', { token: access })
    expect([status, body]).toEqual([200, { message: 'Logout successfully....' }])
    expect(await app.call('GET /logout', { token: access })).toEqual(BLOCKED)
    expect(await app.call('GET /refresh_token', { token: access })).toEqual(BLOCKED)
    expect((await app.call('GET /refresh_token', { token: refresh })).status).toBe(200)
  })

  it('leaves the id in Redis for no less than the rest of the life of the token', async () => {
    const { access } = await logIn()
    await app.call('GET /logout', { token: access })
    const { jti, exp } = claimsOf(access)
    const redis = createClient({ url: server.url })
    await redis.connect()
    onTestFinished(() => redis.destroy())
    const [key, ...others] = await redis.keys(`*${jti}*`)
    expect(others).toEqual([])
    const ttlMs = await redis.pTTL(String(key))
    expect(ttlMs).toBeGreaterThanOrEqual(Number(exp) * 1_000 - Date.now())
    // It is forgotten all the same.
    expect(ttlMs).toBeLessThan(3 * HOUR_MS)
  })

  it('refuses a refresh token', async () => {
    const { refresh } = await logIn()
    const reply = await app.call('GET /logout', { token: refresh })
    expect(reply).toEqual(refused('Please Provide Valid Access Token...'))
    expect((await app.call('GET /refresh_token', { token: refresh })).status).toBe(200)
  })
})

it('refuses on both guarded routes in the words of the original', async () => {
  const { access } = await logIn()
  const unknownKey = createRescind({
    store: memoryStore(),
    keys: createKeyRing({ active: createKey(JWT_SECRET.toUpperCase(), { alg: 'HS256' }) }),
  })
  onTestFinished(() => unknownKey.close())
  const tokens = [
    ['forged', forged(access)],
    ['of another key', await unknownKey.mint({ sub: 'nobody' })],
    ['expired', await expired()],
    ['undecodable', 'abc'],
    ['undecodable', 'a.b.c'],
  ]
  for (const route of ['GET /logout', 'GET /refresh_token']) {
    for (const [what, token = ''] of tokens) {
      expect([what, await app.call(route, { token })]).toEqual([what, INVALID])
    }
    expect(await app.call(route)).toEqual(NOT_AUTHENTICATED)
    expect(await app.call(route, { headers: { authorization: 'Basic abc' } })).toEqual(NOT_AUTHENTICATED)
    expect(await app.call(route, { headers: { authorization: 'Bearer' } })).toEqual(NOT_AUTHENTICATED)
    expect(await app.call(route, { headers: { authorization: access } })).toEqual(NOT_AUTHENTICATED)
  }
})

it('what was logged out stays logged out when the process is killed, and what was not goes on', async () => {
  const { access } = await logIn()
  const [staying, first] = [
    await logIn(),
    await start({ REDIS_URL: '', REDIS_HOST: '127.0.0.1', REDIS_PORT: String(server.port) }),
  ]
  expect((await first.call('GET /logout', { token: access })).status).toBe(200)
  expect(await first.stop('SIGKILL')).toBe('SIGKILL')
  const second = await start()
  expect(await second.call('GET /logout', { token: access })).toEqual(BLOCKED)
  expect((await second.call('GET /refresh_token', { token: staying.refresh })).status).toBe(200)
  // The process that answered the login has heard of it too.
  await eventually(async () => (await app.call('GET /refresh_token', { token: access })).body.detail !== undefined)
  expect(await app.call('GET /logout', { token: access })).toEqual(BLOCKED)
  expect(await second.stop()).toBe(0)
})

describeLifecycle(NAME, () => ({ REDIS_URL: server.url, JWT_SECRET }))

it('answers an address that cannot be read in its own shape', async () => {
  expect(await app.call('GET /%ff')).toEqual({ status: 400, body: { detail: 'Bad Request' } })
})

it('does not start without Redis, and says so', async () => {
  const env = { REDIS_URL: 'redis://127.0.0.1:1', JWT_SECRET, PORT: '0' }
  const { code, output } = await runToEnd(NAME, 'main.mjs', env)
  expect([code, output]).toEqual([1, expect.stringMatching(/^cannot start: Redis does not answer/m)])
  expect(output).not.toMatch(/^ +at /m)
})

it('a logout that Redis does not take is no logout, and says so; nor is there a login', async () => {
  const { access, user } = await logIn()
  await server.kill()
  const reply = await app.call('GET /logout', { token: access })
  expect(reply.status).toBeGreaterThanOrEqual(500)
  const unavailable = { status: 503, body: { detail: 'Service Unavailable' } }
  expect(await app.call('POST /login', { json: user })).toEqual(unavailable)
  expect(await app.call('POST /signup', { json: newUser() })).toEqual(unavailable)
  await server.start()
  await eventually(async () => (await app.call('GET /logout', { token: access })).status === 200, 15_000)
  expect(await app.call('GET /logout', { token: access })).toEqual(BLOCKED)
})
