import { join } from 'node:path'
import Database from 'better-sqlite3'
import { createKey, createKeyRing, createRescind } from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { createFakeClock } from 'rescind/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { describeLifecycle } from '../support/lifecycle.ts'
import { claimsOf, type ExampleProcess, forged, runToEnd, startExample, temporaryFolder } from '../support/process.ts'

const NAME = 'revoked-tokens-table'
const SECRET = 'a-secret-of-the-tests-with-enough-bytes'
const BUSY = { code: 500, success: false, message: '服务器繁忙！' }
const alice = { username: 'admin', password: '123456' }

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let app: ExampleProcess
let env: { DATABASE_URL: string; JWT_SECRET_KEY: string }

beforeAll(async () => {
  folder = await temporaryFolder()
  env = { DATABASE_URL: join(folder.path, 'app.db'), JWT_SECRET_KEY: SECRET }
  await runToEnd(NAME, 'migrate.mjs', env)
  app = await startExample(NAME, env)
})
afterAll(async () => {
  await app.stop()
  await folder.remove()
})

/** A connection to the app's database, beside its own. */
function openBeside(path = env.DATABASE_URL) {
  const database = new Database(path)
  onTestFinished(() => {
    database.close()
  })
  return database
}

async function logIn(process = app) {
  const { body } = await process.call('POST /login', { json: alice })
  const { access_token, refresh_token } = body.data as { access_token: string; refresh_token: string }
  return { access: access_token, refresh: refresh_token }
}

async function mintedLongAgo(hours = 1) {
  const clock = createFakeClock(Date.now() - hours * 3_600_000)
  const keys = createKeyRing({ active: createKey(SECRET, { alg: 'HS256' }) })
  const auth = createRescind({ store: memoryStore(), keys, clock })
  onTestFinished(() => auth.close())
  return auth.mint({ sub: 'admin' })
}

describe('POST /login', () => {
  it('answers both tokens in the envelope', async () => {
    const { status, body } = await app.call('POST /login', { json: alice })
    expect(status).toBe(200)
    expect(body).toEqual({
      code: 200,
      success: true,
      message: expect.stringMatching(/./),
      data: { access_token: expect.any(String), refresh_token: expect.any(String) },
    })
    const { access, refresh } = await logIn()
    expect(claimsOf(access)).toMatchObject({ sub: 'admin', type: 'access', jti: expect.stringMatching(/^.{36}$/) })
    expect(claimsOf(refresh)).toMatchObject({ sub: 'admin', type: 'refresh' })
  })

  it.each([
    { username: 'admin', password: '1234567' },
    { username: 'nobody', password: '123456' },
    { username: '__proto__', password: '123456' },
  ])('answers 401 in the envelope to the wrong $username and $password', async (json) => {
    const { status, body } = await app.call('POST /login', { json })
    expect(status).toBe(401)
    expect(body).toEqual({ code: 401, success: false, message: expect.stringMatching(/./) })
  })

  it.each([
    ['no body', undefined],
    ['broken JSON', '{"username":'],
    ['null', null],
    ['an array', [alice]],
    ['text', 'admin'],
    ['a number for a name', { username: 1, password: '123456' }],
    ['an object for a password', { username: 'admin', password: { toString: 1 } }],
    ['no password', { username: 'admin' }],
  ])('answers 400 to %s', async (_what, json) => {
    const { status, body } = await app.call('POST /login', { json })
    expect([status, body.code, body.success]).toEqual([400, 400, false])
  })

  it('reads no more than 16 KiB', async () => {
    const { status } = await app.call('POST /login', { json: { ...alice, padding: 'x'.repeat(20_000) } })
    expect(status).toBe(413)
  })
})

describe('POST /logout', () => {
  it('puts the id of the token into the table, and the token is refused on every guarded route', async () => {
    const [{ access }, other] = [await logIn(), await logIn()]
    expect((await app.call('GET /me', { token: access })).status).toBe(200)
    const { status, body } = await app.call('POST /logout', { token: access })
    expect(status).toBe(200)
    expect(body).toEqual({ code: 200, success: true, message: expect.stringMatching(/./) })
    const rows = openBeside().prepare('SELECT id, jti FROM revoked_tokens WHERE jti = ?').all(claimsOf(access).jti)
    expect(rows).toEqual([{ id: expect.any(Number), jti: claimsOf(access).jti }])
    for (const route of ['GET /me', 'POST /logout']) {
      const refused = await app.call(route, { token: access })
      expect([refused.status, refused.body.code, refused.body.success]).toEqual([401, 401, false])
    }
    expect((await app.call('GET /me', { token: other.access })).status).toBe(200)
  })

  it('asks the table about every request: what another process writes there holds at once', async () => {
    const { access } = await logIn()
    const database = openBeside()
    database.prepare('INSERT INTO revoked_tokens (jti) VALUES (?)').run(claimsOf(access).jti)
    expect((await app.call('GET /me', { token: access })).status).toBe(401)
    database.prepare('DELETE FROM revoked_tokens WHERE jti = ?').run(claimsOf(access).jti)
    expect((await app.call('GET /me', { token: access })).status).toBe(200)
  })

  it('needs no body, and is not put off by one', async () => {
    for (const json of ['', '{', undefined]) {
      const { access } = await logIn()
      expect((await app.call('POST /logout', { token: access, json })).status).toBe(200)
    }
  })

  it('of one token many times at once records it once', async () => {
    const { access } = await logIn()
    const replies = await Promise.all(Array.from({ length: 10 }, () => app.call('POST /logout', { token: access })))
    expect(replies.filter((reply) => reply.status === 200).length).toBeGreaterThan(0)
    expect(replies.every((reply) => [200, 401].includes(reply.status))).toBe(true)
    const count = openBeside().prepare('SELECT count(*) AS n FROM revoked_tokens WHERE jti = ?')
    expect(count.get(claimsOf(access).jti)).toEqual({ n: 1 })
  })

  it('answers 500 when the table cannot be written, and the token still lives', async () => {
    const { access } = await logIn()
    const database = openBeside()
    database.exec('BEGIN IMMEDIATE')
    expect(await app.call('POST /logout', { token: access })).toEqual({ status: 500, body: BUSY })
    expect((await app.call('GET /me', { token: access })).status).toBe(200)
    database.exec('ROLLBACK')
    expect((await app.call('GET /me', { token: access })).status).toBe(200)
    expect((await app.call('POST /logout', { token: access })).status).toBe(200)
  })

  it('answers 500 when the table cannot be read, and lets nobody through', async () => {
    const { access } = await logIn()
    const database = openBeside()
    database.exec('ALTER TABLE revoked_tokens RENAME TO elsewhere')
    try {
      expect(await app.call('POST /logout', { token: access })).toEqual({ status: 500, body: BUSY })
      expect(await app.call('GET /me', { token: access })).toEqual({ status: 500, body: BUSY })
      expect(app.output()).toContain('no such table: revoked_tokens')
      expect(app.output()).not.toContain(access)
    } finally {
      database.exec('ALTER TABLE elsewhere RENAME TO revoked_tokens')
    }
    expect((await app.call('GET /me', { token: access })).status).toBe(200)
  })
})

it('refuses whatever is no good access token with 401, in the envelope', async () => {
  const { access, refresh } = await logIn()
  const tokens = { none: undefined, forged: forged(access), refresh, garbage: 'abc', expired: await mintedLongAgo() }
  for (const [what, token] of Object.entries(tokens)) {
    for (const route of ['GET /me', 'POST /logout']) {
      const { status, body } = await app.call(route, token === undefined ? {} : { token })
      expect([what, status, body]).toEqual([
        what,
        401,
        { code: 401, success: false, message: expect.stringMatching(/./) },
      ])
    }
  }
  expect((await app.call('GET /nothing')).body).toMatchObject({ code: 404, success: false })
  expect((await app.call('GET /%ff')).body).toMatchObject({ code: 400, success: false })
})

describeLifecycle(NAME, () => env)

describe('the migration', () => {
  it('has to have been run, makes the table, and runs again without harm', async () => {
    const own = { ...env, DATABASE_URL: `sqlite:///${join(folder.path, 'fresh/app.db')}` }
    const early = await runToEnd(NAME, 'main.mjs', { ...own, PORT: '0' })
    expect(early.code).toBe(1)
    expect(early.output).toContain('npm run migrate')
    expect(await runToEnd(NAME, 'migrate.mjs', own)).toEqual({ code: 0, output: '2 migrations applied\n' })
    expect(await runToEnd(NAME, 'migrate.mjs', own)).toEqual({ code: 0, output: '0 migrations applied\n' })
    const columns = openBeside(join(folder.path, 'fresh/app.db')).pragma('table_info(revoked_tokens)')
    expect(columns).toMatchObject([
      { name: 'id', type: 'INTEGER', pk: 1 },
      { name: 'jti', type: 'VARCHAR(120)' },
    ])
    const migrated = await startExample(NAME, own)
    expect((await migrated.call('GET /me', { token: (await logIn(migrated)).access })).status).toBe(200)
    expect(await migrated.stop()).toBe(0)
  })
})

it('forgets what has expired at the next start, and nothing else', async () => {
  const expired = claimsOf(await mintedLongAgo(24)).jti
  const { access } = await logIn()
  const database = openBeside()
  database.prepare('INSERT INTO revoked_tokens (jti) VALUES (?), (?)').run(expired, claimsOf(access).jti)
  const next = await startExample(NAME, env)
  const jtis = database.prepare('SELECT jti FROM revoked_tokens').pluck().all()
  expect(jtis).not.toContain(expired)
  expect(jtis).toContain(claimsOf(access).jti)
  expect(await next.stop()).toBe(0)
})

it('what was logged out stays logged out when the process is killed, and what was not goes on', async () => {
  const first = await startExample(NAME, env)
  const [leaving, staying] = [await logIn(first), await logIn(first)]
  expect((await first.call('POST /logout', { token: leaving.access })).status).toBe(200)
  expect(await first.stop('SIGKILL')).toBe('SIGKILL')
  const second = await startExample(NAME, env)
  expect((await second.call('GET /me', { token: leaving.access })).status).toBe(401)
  expect((await second.call('GET /me', { token: staying.access })).status).toBe(200)
  expect(await second.stop()).toBe(0)
})
