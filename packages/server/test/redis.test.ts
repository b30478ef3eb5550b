import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startRedis } from '../../../tools/servers/redis.mjs'
import { createForgetfulProxy } from './support/forgetful-proxy.ts'
import { call } from './support/http.ts'
import { expectProblem } from './support/problems.ts'
import { build, failToStart, startService } from './support/process.ts'
import { command, useRedis } from './support/servers.ts'
import { bearer, PASSWORD, startApp, type Tokens } from './support/start-app.ts'

let directory: string
const ends: (() => unknown)[] = []
beforeAll(build, 120_000)
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rescind-redis-'))
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
  rmSync(directory, { recursive: true, force: true })
})

describe('a service with its sessions in Redis', () => {
  const redis = useRedis()

  it('refuses what was ended at another', async () => {
    const settings = { DATA_DIR: directory, REDIS_URL: redis() }
    const [one, other] = [await startApp({ settings }), await startApp({ settings })]
    ends.push(
      () => one.close(),
      () => other.close(),
    )
    const { access_token, refresh_token } = await one.register()
    expect((await other.get('/auth/status', access_token)).status).toBe(200)
    expect((await one.post('/auth/logout', undefined, bearer(access_token))).status).toBe(204)
    await expect.poll(async () => (await other.get('/auth/status', access_token)).status).toBe(401)
    await expectProblem(await other.post('/auth/refresh', { refresh_token }), 'token_revoked')
  })

  it('answers 503 without it, and works again by itself', async () => {
    const server = await startRedis({ persistence: 'aof' })
    ends.push(() => server.dispose())
    const service = await startService({ DATA_DIR: directory, REDIS_URL: server.url }, directory)
    ends.push(() => service.stop('SIGKILL'))
    const credentials = { email: 'person@example.test', password: PASSWORD }
    const registered = await call(`${service.url}/auth/register`, 'POST', { body: credentials })
    const first = JSON.parse(registered.text) as Tokens
    const entered = await call(`${service.url}/auth/login`, 'POST', { body: credentials })
    const second = JSON.parse(entered.text) as Tokens
    expect((await call(`${service.url}/auth/logout`, 'POST', { token: first.access_token })).status).toBe(204)

    await server.kill()
    const everything = () =>
      Promise.all([
        call(`${service.url}/auth/login`, 'POST', { body: credentials }),
        call(`${service.url}/auth/refresh`, 'POST', { body: { refresh_token: second.refresh_token } }),
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
      expect(answers.map(({ text }) => text).join('')).not.toMatch(/ECONN|127\.0\.0\.1|socket/i)
    }
    expect((await call(`${service.url}/auth/status`, 'GET', { token: first.access_token })).status).toBe(401)

    await server.start()
    await expect
      .poll(async () => (await call(`${service.url}/health/ready`, 'GET')).status, { timeout: 15_000 })
      .toBe(200)
    // The password is the one from before, since no change of it was acknowledged.
    expect((await call(`${service.url}/auth/login`, 'POST', { body: credentials })).status).toBe(200)
    expect((await call(`${service.url}/auth/status`, 'GET', { token: first.access_token })).status).toBe(401)
    expect((await call(`${service.url}/auth/status`, 'GET', { token: second.access_token })).status).toBe(200)
    const told = service.stderr().match(/the connection to Redis (broke|is back)/g)
    expect(told).toEqual(['the connection to Redis broke', 'the connection to Redis is back'])
  }, 60_000)

  it('gives up a connection that has died in silence', async () => {
    const url = new URL(redis())
    const proxy = await createForgetfulProxy(Number(url.port))
    ends.push(() => proxy.close())
    url.port = String(proxy.port)
    const app = await startApp({ settings: { DATA_DIR: directory, REDIS_URL: url.href } })
    ends.push(() => app.close())
    const { access_token, user } = await app.register()
    proxy.forget()
    const logIn = async () => (await app.post('/auth/login', { email: user.email, password: PASSWORD })).status
    expect(await logIn()).toBe(503)
    await expect.poll(logIn, { timeout: 15_000 }).toBe(200)
    await expect.poll(async () => (await app.get('/health/ready')).status, { timeout: 15_000 }).toBe(200)
    expect((await app.get('/auth/status', access_token)).status).toBe(200)
  })

  it('does not start without it, and says why in one line', async () => {
    const server = await startRedis({ config: ['--maxmemory-policy', 'allkeys-lru', '--maxmemory', '50mb'] })
    ends.push(() => server.dispose())
    await command(server.url, ['CONFIG', 'SET', 'requirepass', 'right-one'])
    const withPassword = (password: string) => server.url.replace('redis://', `redis://:${password}@`)
    const refusals: [url: string, line: RegExp][] = [
      [
        'redis://someone:hunter2@127.0.0.1:1',
        /^rescind: REDIS_URL names 127\.0\.0\.1:1, which refused the connection;/,
      ],
      ['redis://:hunter2@no-such-host.invalid', /^rescind: REDIS_URL names no-such-host\.invalid, which/],
      [server.url, /^rescind: REDIS_URL names .+, which asks for a password;/],
      [withPassword('hunter2'), /^rescind: REDIS_URL names .+, which refused the user or the password;/],
      [withPassword('right-one'), /^rescind: REDIS_URL names .+, which cannot be used: .*maxmemory-policy allkeys-lru/],
      ['redis://:hunter2@127.0.0.1:6379/people', /^rescind: REDIS_URL holds an unusable value/],
    ]
    for (const [REDIS_URL, line] of refusals) {
      const { code, stdout, stderr } = await failToStart({ DATA_DIR: directory, REDIS_URL }, directory)
      expect(stderr).toMatch(line)
      expect(stderr).not.toMatch(/hunter2|right-one|someone/)
      expect({ code, stdout, lines: stderr.trimEnd().split('\n').length }).toEqual({ code: 1, stdout: '', lines: 1 })
    }
  }, 60_000)
})
