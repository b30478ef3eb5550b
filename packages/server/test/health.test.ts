import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTcpProxy } from 'rescind/testing'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openSqlite } from '../src/sqlite-database.ts'
import { createWriteHealth } from '../src/write-health.ts'
import { expectProblem } from './support/problems.ts'
import { build, startService } from './support/process.ts'
import { usePostgres, useRedis } from './support/servers.ts'
import { bearer, PASSWORD, type RunningApp, startApp, type Tokens } from './support/start-app.ts'

let directory: string
const ends: (() => unknown)[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rescind-health-'))
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
  rmSync(directory, { recursive: true, force: true })
})

async function start(settings: Record<string, string>): Promise<RunningApp> {
  const app = await startApp({ settings })
  ends.push(() => app.close())
  return app
}

async function detailOf(answer: Response): Promise<string> {
  expect(answer.status).toBe(503)
  return (await expectProblem(answer, 'revocation_unavailable')).detail
}

const readiness = (app: RunningApp) => app.get('/health/ready')

describe('readiness', () => {
  it('over SQLite ends while no change is taken, and comes back by itself', async () => {
    const app = await start({ DATA_DIR: directory })
    const { access_token } = await app.register()
    expect(await (await readiness(app)).json()).toEqual({ status: 'ready' })
    const other = openSqlite(join(directory, 'rescind.db'))
    ends.push(() => other.close())
    other.exec('BEGIN IMMEDIATE')
    const logout = await app.post('/auth/logout', undefined, bearer(access_token))
    await expectProblem(logout, 'revocation_unavailable')
    expect(await detailOf(await readiness(app))).toBe('The store takes no changes.')
    expect((await app.get('/health/live')).status).toBe(200)
    other.exec('ROLLBACK')
    await expect.poll(async () => (await readiness(app)).status).toBe(200)
  })

  const database = usePostgres()
  it('over PostgreSQL ends when the database falls silent, and comes back by itself', async () => {
    const url = new URL(await database())
    const proxy = await createTcpProxy({ host: url.hostname, port: Number(url.port) })
    ends.push(() => proxy.close())
    url.host = `127.0.0.1:${proxy.port}`
    const app = await start({ DATA_DIR: directory, DATABASE_URL: url.href })
    const { access_token } = await app.register()
    expect(await (await readiness(app)).json()).toEqual({ status: 'ready' })

    proxy.drop()
    await expect.poll(async () => (await readiness(app)).status, { timeout: 10_000 }).toBe(503)
    await expect
      .poll(async () => detailOf(await readiness(app)), { timeout: 10_000 })
      .toMatch(/^The revocation replica is (stale|unavailable)\. .*The database of accounts does not answer\.$/)
    await expectProblem(await app.get('/auth/status', access_token), 'revocation_unavailable')

    proxy.heal()
    await expect.poll(async () => (await readiness(app)).status, { timeout: 10_000 }).toBe(200)
    expect((await app.get('/auth/status', access_token)).status).toBe(200)
  })

  const redis = useRedis()
  it('over SQLite and Redis ends when either takes no changes', async () => {
    const url = new URL(redis())
    const proxy = await createTcpProxy({ host: url.hostname, port: Number(url.port) })
    ends.push(() => proxy.close())
    url.host = `127.0.0.1:${proxy.port}`
    const app = await start({ DATA_DIR: directory, REDIS_URL: url.href })
    expect((await readiness(app)).status).toBe(200)
    proxy.cut()
    await expect
      .poll(async () => (await readiness(app)).text(), { timeout: 10_000 })
      .toMatch(/The revocation replica is (stale|unavailable)\..*The store takes no changes\./)
    proxy.heal()
    await expect.poll(async () => (await readiness(app)).status, { timeout: 10_000 }).toBe(200)
  })
})

describe('a full disk', () => {
  beforeAll(build, 120_000)

  it('is answered with 503, and readiness says so', async () => {
    // A mebibyte per file: enough to start, and full after some logins.
    const service = await startService({ DATA_DIR: directory, SESSIONS_PER_USER: '1000' }, directory, {
      maxFileBlocks: 2_048,
    })
    ends.push(() => service.stop('SIGKILL'))
    const post = (path: string, body?: unknown, token?: string) =>
      fetch(service.url + path, {
        method: 'POST',
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(token === undefined ? {} : bearer(token)),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
    const credentials = { email: 'full@example.test', password: PASSWORD }
    const { access_token } = (await (await post('/auth/register', credentials)).json()) as Tokens
    let login = await post('/auth/login', credentials)
    for (let logins = 1; login.status === 200 && logins < 500; logins += 1) {
      login = await post('/auth/login', credentials)
    }
    await expectProblem(login, 'revocation_unavailable')
    await expectProblem(await post('/auth/logout', undefined, access_token), 'revocation_unavailable')
    expect(await detailOf(await fetch(`${service.url}/health/ready`))).toBe('The store takes no changes.')
    // What can be read is read; what could not be ended has not ended.
    expect((await fetch(`${service.url}/auth/status`, { headers: bearer(access_token) })).status).toBe(200)
    expect(service.stderr()).toMatch(/"msg":"storage did not answer"/)
    expect(service.stderr()).not.toContain(access_token.split('.')[2])
  }, 60_000)
})

describe('whether writes are taken', () => {
  it('is known from the last write, and probed for when that failed', async () => {
    let probes = 0
    let works = true
    const health = createWriteHealth(async () => {
      probes += 1
      if (!works) throw new Error('full')
    })
    health.succeeded()
    expect([await health.takesWrites(), probes]).toEqual([true, 0])
    works = false
    health.failed()
    expect(await health.takesWrites()).toBe(false)
    await expect.poll(async () => [await health.takesWrites(), probes > 0]).toEqual([false, true])
    works = true
    await expect.poll(() => health.takesWrites()).toBe(true)
  })

  it('costs one probe, however many ask at once', async () => {
    let probes = 0
    const health = createWriteHealth(async () => {
      probes += 1
    })
    expect(await Promise.all(Array.from({ length: 10 }, () => health.takesWrites()))).not.toContain(false)
    expect(probes).toBe(1)
  })
})
