import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTcpProxy } from 'rescind/testing'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type PrivatePostgres, startPostgres } from '../../../tools/servers/postgres.mjs'
import { migrationsFor } from '../src/migrations/index.ts'
import { closePostgresPool, openPostgresPool, postgresDatabase } from '../src/postgres-database.ts'
import { createForgetfulProxy } from './support/forgetful-proxy.ts'
import { call } from './support/http.ts'
import { expectProblem } from './support/problems.ts'
import { build, failToStart, type ServiceProcess, startService } from './support/process.ts'
import { createDatabase, query, usePostgres } from './support/servers.ts'
import { bearer, PASSWORD, startApp, type Tokens } from './support/start-app.ts'

let directory: string
const ends: (() => unknown)[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rescind-postgres-'))
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
  rmSync(directory, { recursive: true, force: true })
})

async function start(settings: Record<string, string>): Promise<ServiceProcess> {
  const service = await startService({ DATA_DIR: join(directory, 'data'), ...settings }, directory)
  ends.push(() => service.stop('SIGKILL'))
  return service
}

const logIn = (service: ServiceProcess, email: string) =>
  call(`${service.url}/auth/login`, 'POST', { body: { email, password: PASSWORD } })

async function register(service: ServiceProcess, email: string): Promise<Tokens> {
  const { status, text } = await call(`${service.url}/auth/register`, 'POST', { body: { email, password: PASSWORD } })
  expect(status).toBe(201)
  return JSON.parse(text) as Tokens
}

describe('services that share a PostgreSQL database', () => {
  beforeAll(build, 120_000)
  const database = usePostgres()

  it('may all start at once on an empty one', async () => {
    const DATABASE_URL = await database()
    const services = await Promise.all([start({ DATABASE_URL }), start({ DATABASE_URL }), start({ DATABASE_URL })])
    const { access_token } = await register(services[0], 'first@example.test')
    for (const { url } of services) {
      expect((await call(`${url}/auth/status`, 'GET', { token: access_token })).status).toBe(200)
      expect((await call(`${url}/health/ready`, 'GET')).text).toBe('{"status":"ready"}')
    }
    expect(await query(DATABASE_URL, 'SELECT name FROM kysely_migration')).toHaveLength(
      Object.keys(migrationsFor('postgres')).length,
    )
  })

  it('refuse what was ended at another', async () => {
    const settings = { DATABASE_URL: await database() }
    const [one, other] = [await startApp({ settings }), await startApp({ settings })]
    ends.push(
      () => one.close(),
      () => other.close(),
    )
    const first = await one.register()
    expect((await other.get('/auth/status', first.access_token)).status).toBe(200)
    expect((await one.post('/auth/logout', undefined, bearer(first.access_token))).status).toBe(204)
    await expect.poll(async () => (await other.get('/auth/status', first.access_token)).status).toBe(401)
    await expectProblem(await other.post('/auth/refresh', { refresh_token: first.refresh_token }), 'token_revoked')

    const second = await one.register()
    const body = { current_password: PASSWORD, new_password: 'amber-Lighthouse-27-tuba' }
    expect((await other.post('/auth/password/change', body, bearer(second.access_token))).status).toBe(200)
    await expect.poll(async () => (await one.get('/auth/status', second.access_token)).status).toBe(401)
    expect((await one.post('/auth/login', { email: second.user.email, password: PASSWORD })).status).toBe(401)
  })

  it('give up connections that have died in silence', async () => {
    const url = new URL(await database())
    const proxy = await createForgetfulProxy(Number(url.port))
    ends.push(() => proxy.close())
    url.port = String(proxy.port)
    const app = await startApp({ settings: { DATABASE_URL: url.href } })
    ends.push(() => app.close())
    const { access_token, user } = await app.register()
    // As many connections as the pool may have: when all of them are dead, only giving them up makes room.
    await Promise.all(Array.from({ length: 40 }, () => app.get('/auth/status', access_token)))
    proxy.forget()
    const logIn = async () => (await app.post('/auth/login', { email: user.email, password: PASSWORD })).status
    expect(await logIn()).toBe(503)
    await Promise.all(Array.from({ length: 40 }, () => app.get('/auth/status', access_token)))
    await expect.poll(logIn, { timeout: 15_000 }).toBe(200)
    await expect.poll(async () => (await app.get('/health/ready')).status, { timeout: 15_000 }).toBe(200)
    expect((await app.get('/auth/status', access_token)).status).toBe(200)
  })

  it('wait no longer than a moment for an account that a machine locked which has vanished', async () => {
    const DATABASE_URL = await database()
    const app = await startApp({ settings: { DATABASE_URL } })
    ends.push(() => app.close())
    const { user } = await app.register()
    const url = new URL(DATABASE_URL)
    const proxy = await createForgetfulProxy(Number(url.port))
    url.port = String(proxy.port)
    const pool = openPostgresPool(url.href, () => {})
    ends.push(
      () => closePostgresPool(pool),
      () => proxy.close(),
    )
    const vanished = postgresDatabase(pool).inTransaction(async ({ users }) => {
      await users.lock(user.id)
      proxy.forget()
    })
    await expect(vanished).rejects.toMatchObject({ code: 'overloaded' })
    const logIn = async () => (await app.post('/auth/login', { email: user.email, password: PASSWORD })).status
    await expect.poll(logIn, { timeout: 10_000 }).toBe(200)
  })

  it('go on when the server ends all of their connections', async () => {
    const DATABASE_URL = await database()
    const service = await start({ DATABASE_URL })
    const { access_token } = await register(service, 'cut@example.test')
    await query(
      DATABASE_URL,
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    )
    await expect
      .poll(async () => (await call(`${service.url}/auth/status`, 'GET', { token: access_token })).status)
      .toBe(200)
    await expect.poll(async () => (await logIn(service, 'cut@example.test')).status).toBe(200)
    expect(service.stderr()).toContain('terminating connection due to administrator command')
  })
})

describe('without its PostgreSQL server a service', () => {
  beforeAll(build, 120_000)
  let server: PrivatePostgres
  beforeEach(async () => {
    server = await startPostgres()
    ends.push(() => server.dispose())
  })

  it('answers 503 and nothing worse, and works again by itself', async () => {
    const service = await start({ DATABASE_URL: await createDatabase(server.url) })
    const people = await Promise.all([1, 2, 3].map((index) => register(service, `person-${index}@example.test`)))
    const [first, second, third] = people as [Tokens, Tokens, Tokens]
    expect((await call(`${service.url}/auth/logout`, 'POST', { token: first.access_token })).status).toBe(204)

    await server.kill()
    const everything = () =>
      Promise.all([
        logIn(service, second.user.email),
        call(`${service.url}/auth/register`, 'POST', { body: { email: 'new@example.test', password: PASSWORD } }),
        call(`${service.url}/auth/status`, 'GET', { token: second.access_token }),
        call(`${service.url}/auth/refresh`, 'POST', { body: { refresh_token: third.refresh_token } }),
        call(`${service.url}/auth/logout`, 'POST', { token: second.access_token }),
        call(`${service.url}/auth/password/change`, 'POST', {
          token: second.access_token,
          body: { current_password: PASSWORD, new_password: 'amber-Lighthouse-27-tuba' },
        }),
        call(`${service.url}/health/ready`, 'GET'),
      ])
    for (let round = 0; round < 3; round += 1) {
      const answers = await everything()
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 503))
      expect(answers.map(({ text }) => text).join('')).not.toMatch(/ECONN|postgres|127\.0\.0\.1|pg_/i)
    }
    // What is known to be dead stays dead, also while nothing can be asked.
    expect((await call(`${service.url}/auth/status`, 'GET', { token: first.access_token })).status).toBe(401)

    await server.start()
    await expect
      .poll(async () => (await call(`${service.url}/health/ready`, 'GET')).status, { timeout: 15_000 })
      .toBe(200)
    expect((await call(`${service.url}/auth/status`, 'GET', { token: first.access_token })).status).toBe(401)
    expect((await call(`${service.url}/auth/status`, 'GET', { token: second.access_token })).status).toBe(200)
    expect((await logIn(service, second.user.email)).status).toBe(200)
    expect((await call(`${service.url}/auth/logout`, 'POST', { token: second.access_token })).status).toBe(204)

    const lines = service
      .stderr()
      .split('\n')
      .filter((line) => line.includes('storage did not answer'))
    expect(lines.map((line) => JSON.parse(line) as object)).toContainEqual(
      expect.objectContaining({
        level: 40,
        code: 'overloaded',
        cause: expect.objectContaining({ code: 'ECONNREFUSED' }),
      }),
    )
    for (const { access_token, refresh_token } of people) {
      for (const token of [access_token, refresh_token]) {
        expect(service.stderr()).not.toContain(token.split('.')[2])
      }
    }
  }, 60_000)

  it('answers 503 too where the network swallows everything', async () => {
    const url = new URL(await createDatabase(server.url))
    const proxy = await createTcpProxy({ port: Number(url.port) })
    ends.push(() => proxy.close())
    url.port = String(proxy.port)
    const service = await start({ DATABASE_URL: url.href })
    const [first, second] = [await register(service, 'a@example.test'), await register(service, 'b@example.test')]
    // Several connections rest in the pool, so that every request finds one that is open and hears nothing on it.
    const statuses = Array.from({ length: 20 }, () =>
      call(`${service.url}/auth/status`, 'GET', { token: first.access_token }),
    )
    for (const { status } of await Promise.all(statuses)) expect(status).toBe(200)
    proxy.drop()
    // The drivers' own patience is longer than this.
    const timeoutMs = 2_500
    const answers = await Promise.all([
      call(`${service.url}/auth/login`, 'POST', { body: { email: 'a@example.test', password: PASSWORD }, timeoutMs }),
      call(`${service.url}/auth/refresh`, 'POST', { body: { refresh_token: first.refresh_token }, timeoutMs }),
      call(`${service.url}/auth/logout`, 'POST', { token: second.access_token, timeoutMs }),
      call(`${service.url}/auth/register`, 'POST', {
        body: { email: 'c@example.test', password: PASSWORD },
        timeoutMs,
      }),
    ])
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 503])
    proxy.heal()
    await expect.poll(async () => (await logIn(service, 'a@example.test')).status, { timeout: 15_000 }).toBe(200)
  }, 60_000)

  it('does not start, and says why in one line', async () => {
    const secret = 's3cr3t-hunter2'
    const url = (path: string, port = server.port) => `postgres://someone:${secret}@127.0.0.1:${port}${path}`
    const start = (DATABASE_URL: string) => failToStart({ DATA_DIR: join(directory, 'data'), DATABASE_URL }, directory)
    const refusals: [url: string, line: RegExp][] = [
      [
        url('/nothing'),
        /^rescind: DATABASE_URL names 127\.0\.0\.1:\d+, which refused the user or the password; it may/,
      ],
      [server.url.replace(/postgres$/, 'nothing'), /^rescind: DATABASE_URL names .+, which has no such database;/],
      [url('/postgres', 1), /^rescind: DATABASE_URL names 127\.0\.0\.1:1, which refused the connection; it may/],
      [
        `postgres://someone:${secret}@no-such-host.invalid/d`,
        /^rescind: DATABASE_URL names no-such-host\.invalid, which/,
      ],
      [`postgres://someone:${secret}@127.0.0.1:${server.port}/d?sslmode=verify-full`, /^rescind: DATABASE_URL names /],
    ]
    for (const [holds, line] of refusals) {
      const { code, stdout, stderr } = await start(holds)
      expect(stderr).toMatch(line)
      expect(stderr).not.toContain(secret)
      expect({ code, stdout, lines: stderr.trimEnd().split('\n').length }).toEqual({ code: 1, stdout: '', lines: 1 })
    }
  }, 60_000)
})
