import { join } from 'node:path'
import Database from 'better-sqlite3'
import { eventually } from 'rescind/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startPostgres } from '../../tools/servers/postgres.mjs'
import { describeLifecycle } from '../support/lifecycle.ts'
import { claimsOf, type ExampleProcess, forged, runToEnd, startExample, temporaryFolder } from '../support/process.ts'

const NAME = 'flask-jwt-auth'
const SECRET_KEY = 'a-secret-of-the-tests-with-enough-bytes'

const MISSING = 'Provide a valid auth token.'
const NO_SPACE = 'Bearer token malformed.'
const INVALID = 'Invalid token. Please log in again.'
const EXPIRED = 'Signature expired. Please log in again.'
const BLACKLISTED = 'Token blacklisted. Please log in again.'
const failed = (status: number, message: string) => ({ status, body: { status: 'fail', message } })

let drawn = 0
function newUser() {
  drawn += 1
  return { email: `user-${process.pid}-${drawn}@example.com`, password: 'correct horse' }
}

/** A user who is registered, and the token that the registration answered. */
async function register(app: ExampleProcess) {
  const user = newUser()
  const { body } = await app.call('POST /auth/register', { json: user })
  return { user, token: String(body.auth_token) }
}

const stores = [
  ['PostgreSQL', startPostgres],
  // No URL: the example keeps a file in DATA_DIR.
  ['SQLite', async () => ({ url: '', dispose: async () => {}, kill: null, start: async () => {} })],
] as const

describe.each(stores)('with %s', (_store, startServer) => {
  let server: Awaited<ReturnType<typeof startServer>>
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let app: ExampleProcess
  const start = (env: Record<string, string> = {}) =>
    startExample(NAME, { DATABASE_URL: server.url, DATA_DIR: folder.path, SECRET_KEY, TOKEN_TTL: '600', ...env })

  beforeAll(async () => {
    folder = await temporaryFolder()
    server = await startServer()
    app = await start()
  })
  afterAll(async () => {
    await app?.stop()
    await server?.dispose()
    await folder?.remove()
  })

  describe('POST /auth/register', () => {
    it('registers a new user', async () => {
      expect(await app.call('POST /auth/register', { json: newUser() })).toEqual({
        status: 201,
        body: { status: 'success', message: 'Successfully registered.', auth_token: expect.any(String) },
      })
    })

    it('refuses an email that is known', async () => {
      const { user } = await register(app)
      const again = await app.call('POST /auth/register', { json: { ...user, password: 'another' } })
      expect(again).toEqual(failed(202, 'User already exists. Please Log in.'))
      expect((await app.call('POST /auth/login', { json: user })).status).toBe(200)
    })

    it('of one email twenty times at once succeeds exactly once', async () => {
      const json = newUser()
      const replies = await Promise.all(Array.from({ length: 20 }, () => app.call('POST /auth/register', { json })))
      const statuses = replies.map((reply) => reply.status).sort()
      expect(statuses).toEqual([201, ...Array.from({ length: 19 }, () => 202)])
    })
  })

  const unusable: [string, unknown][] = [
    ['no body', undefined],
    ['broken JSON', '{"email":'],
    ['null', null],
    ['an array', []],
    ['text', '"user"'],
    ['no email', { password: 'x' }],
    ['no password', { email: 'nobody@example.com' }],
    ['an empty email', { email: '', password: 'x' }],
    ['a number for an email', { email: 5, password: 'x' }],
    ['a list of emails', { email: ['a@example.com', 'b@example.com'], password: 'x' }],
    ['an object for a password', { email: 'nobody@example.com', password: {} }],
    ['an email that no column holds', { email: 'x'.repeat(256), password: 'x' }],
    ['U+0000 in the email', { email: 'a\0b', password: 'x' }],
    ['U+0000 in the password', { email: 'nobody@example.com', password: 'a\0b' }],
    ['half a surrogate pair in the email', { email: 'a\ud800b', password: 'x' }],
    ['half a surrogate pair in the password', { email: 'nobody@example.com', password: 'a\udfff' }],
    ['a body that is too large', { email: 'nobody@example.com', password: 'x'.repeat(20_000) }],
  ]
  it.each(unusable)('answers %s: 401 to a registration, 404 to a login', async (_what, json) => {
    const registered = await app.call('POST /auth/register', { json })
    expect(registered).toEqual(failed(401, 'Some error occurred. Please try again.'))
    expect(await app.call('POST /auth/login', { json })).toEqual(failed(404, 'User does not exist.'))
  })

  describe('POST /auth/login', () => {
    it('answers a token that says who it is for, and until when', async () => {
      const { user } = await register(app)
      const { status, body } = await app.call('POST /auth/login', { json: user })
      expect(status).toBe(200)
      expect(body).toEqual({
        status: 'success',
        message: 'Successfully logged in.',
        auth_token: expect.any(String),
      })
      const { sub, iat, exp } = claimsOf(body.auth_token)
      expect(sub).toMatch(/^\d+$/)
      expect(Math.ceil(Number(exp) - Number(iat))).toBe(600)
    })

    it('refuses an unknown email and a wrong password in the same words', async () => {
      const { user } = await register(app)
      const wrong = await app.call('POST /auth/login', { json: { ...user, password: 'Correct horse' } })
      expect(wrong).toEqual(failed(404, 'User does not exist.'))
      expect(await app.call('POST /auth/login', { json: newUser() })).toEqual(failed(404, 'User does not exist.'))
    })
  })

  it('GET /auth/status tells a valid token about its user', async () => {
    const { user, token } = await register(app)
    const { status, body } = await app.call('GET /auth/status', { token })
    expect(status).toBe(200)
    expect(body).toEqual({
      status: 'success',
      data: {
        user_id: Number(claimsOf(token).sub),
        email: user.email,
        admin: false,
        registered_on: expect.stringMatching(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/),
      },
    })
  })

  it('POST /auth/logout ends the token, and no other of the user', async () => {
    const { user, token } = await register(app)
    const other = String((await app.call('POST /auth/login', { json: user })).body.auth_token)
    const loggedOut = await app.call('POST /auth/logout', { token })
    expect(loggedOut).toEqual({ status: 200, body: { status: 'success', message: 'Successfully logged out.' } })
    expect(await app.call('GET /auth/status', { token })).toEqual(failed(401, BLACKLISTED))
    expect(await app.call('POST /auth/logout', { token })).toEqual(failed(401, BLACKLISTED))
    expect((await app.call('GET /auth/status', { token: other })).status).toBe(200)
  })

  it('refuses on both guarded routes in the words of the original', async () => {
    const { token } = await register(app)
    const headers: [string | undefined, string][] = [
      [undefined, MISSING],
      ['', MISSING],
      [`Bearer${token}`, NO_SPACE],
      ['Bearer', NO_SPACE],
      [`Bearer ${forged(token)}`, INVALID],
      ['Bearer abc', INVALID],
      ['Bearer a.b.c', INVALID],
      ['Basic abc', INVALID],
    ]
    for (const [authorization, message] of headers) {
      const request = authorization === undefined ? {} : { headers: { authorization } }
      const logoutStatus = message === MISSING ? 403 : 401
      expect([authorization, await app.call('GET /auth/status', request)]).toEqual([
        authorization,
        failed(401, message),
      ])
      expect([authorization, await app.call('POST /auth/logout', request)]).toEqual([
        authorization,
        failed(logoutStatus, message),
      ])
      expect(await app.call('POST /auth/%6cogout', request)).toEqual(failed(logoutStatus, message))
    }
  })

  it('answers an address that cannot be read in its own shape', async () => {
    expect(await app.call('GET /%ff')).toEqual(failed(400, 'Try again'))
    expect(await app.call('GET /nothing')).toEqual(failed(404, 'Not found.'))
  })

  describeLifecycle(NAME, () => ({ DATABASE_URL: server.url, DATA_DIR: folder.path, SECRET_KEY }))

  it('says of an expired token that it has expired', async () => {
    const short = await start({ TOKEN_TTL: '1' })
    const { token } = await register(short)
    await eventually(async () => (await short.call('GET /auth/status', { token })).status === 401, 10_000)
    expect(await short.call('GET /auth/status', { token })).toEqual(failed(401, EXPIRED))
    expect(await short.call('POST /auth/logout', { token })).toEqual(failed(401, EXPIRED))
    expect(await short.stop()).toBe(0)
  })

  it('what was logged out stays logged out when the process is killed, and what was not goes on', async () => {
    const first = await start()
    const { user, token } = await register(first)
    const staying = String((await first.call('POST /auth/login', { json: user })).body.auth_token)
    expect((await first.call('POST /auth/logout', { token })).status).toBe(200)
    expect(await first.stop('SIGKILL')).toBe('SIGKILL')
    const second = await start()
    expect(await second.call('GET /auth/status', { token })).toEqual(failed(401, BLACKLISTED))
    expect((await second.call('GET /auth/status', { token: staying })).status).toBe(200)
    // The process beside them has heard of it too.
    await eventually(async () => (await app.call('GET /auth/status', { token })).status === 401)
    expect(await app.call('GET /auth/status', { token })).toEqual(failed(401, BLACKLISTED))
    expect(await second.stop()).toBe(0)
  })
})

it('answers 500 while the database does not, and says why in the log', async () => {
  const server = await startPostgres()
  onTestFinished(() => server.dispose())
  const folder = await temporaryFolder()
  onTestFinished(() => folder.remove())
  const app = await startExample(NAME, {
    DATABASE_URL: server.url,
    DATA_DIR: folder.path,
    SECRET_KEY,
    TOKEN_TTL: '600',
  })
  const { user, token } = await register(app)
  await server.kill()
  const logged: number[] = []
  for (const [route, request] of [
    ['POST /auth/login', { json: user }],
    ['POST /auth/register', { json: newUser() }],
    ['GET /auth/status', { token }],
  ] as const) {
    expect(await app.call(route, request)).toEqual(failed(500, 'Try again'))
    logged.push(app.output().split('ECONNREFUSED').length)
  }
  expect(logged).toEqual([...new Set(logged)])
  expect(app.output()).not.toContain(token)
  await server.start()
  await eventually(async () => (await app.call('POST /auth/login', { json: user })).status === 200)
  expect(await app.stop()).toBe(0)
})

it('does not start without the database, and says so in one line', async () => {
  const env = { DATABASE_URL: 'postgresql://localhost:1/none', SECRET_KEY, PORT: '0' }
  const { code, output } = await runToEnd(NAME, 'main.mjs', env)
  expect([code, output]).toEqual([1, expect.stringMatching(/^cannot start: PostgreSQL .*ECONNREFUSED.*\n$/)])
})

describe('what is kept', () => {
  it('is the id of a token, until it has expired; passwords are hashed', async () => {
    const folder = await temporaryFolder()
    onTestFinished(() => folder.remove())
    const app = await startExample(NAME, { DATA_DIR: folder.path, TOKEN_TTL: '3' })
    const database = new Database(join(folder.path, 'app.db'))
    onTestFinished(() => {
      database.close()
    })
    const { user, token } = await register(app)
    expect((await app.call('POST /auth/logout', { token })).status).toBe(200)
    const dump = () => database.serialize().toString('latin1')
    expect(dump()).toContain(claimsOf(token).jti)
    expect(dump()).not.toContain(token.split('.')[2])
    expect(dump()).not.toContain(user.password)
    const revocations = database.prepare('SELECT id FROM rescind_revocations').pluck()
    expect(revocations.all()).toEqual([claimsOf(token).jti])
    await eventually(() => revocations.all().length === 0, 30_000)
    expect(await app.stop()).toBe(0)
  }, 45_000)

  it('lives 5 seconds where nobody says otherwise, and is signed by a secret that outlives the process', async () => {
    const folder = await temporaryFolder()
    onTestFinished(() => folder.remove())
    const first = await startExample(NAME, { DATA_DIR: folder.path })
    const { iat, exp } = claimsOf((await register(first)).token)
    expect(Math.ceil(Number(exp) - Number(iat))).toBe(5)
    expect(await first.stop()).toBe(0)
    const long = { DATA_DIR: folder.path, TOKEN_TTL: '600' }
    const second = await startExample(NAME, long)
    const { token } = await register(second)
    await second.stop()
    const third = await startExample(NAME, long)
    expect((await third.call('GET /auth/status', { token })).status).toBe(200)
    await third.stop()
  })
})
