import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient } from 'redis'
import { createKey, createKeyRing, createRescind } from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { createFakeClock, eventually } from 'rescind/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { startRedis } from '../../tools/servers/redis.mjs'
import { describeLifecycle } from '../support/lifecycle.ts'
import {
  claimsOf,
  type ExampleProcess,
  type ExampleReply,
  forged,
  runToEnd,
  startExample,
  temporaryFolder,
} from '../support/process.ts'

const NAME = 'token-blacklist'
const refused = (message: string) => ({ status: 401, body: { code: 401, message } })
const MISSING = refused('token缺失!')
const LOG_IN_AGAIN = refused('请重新登录!')
const INVALID = refused('token不合法!')
const EXPIRED = refused('token过期!')
const done = { status: 200, body: { code: 200, message: expect.stringMatching(/./) } }

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let redis: Awaited<ReturnType<typeof startRedis>>
beforeAll(async () => {
  folder = await temporaryFolder()
  redis = await startRedis({ persistence: 'aof' })
})
afterAll(async () => {
  await redis?.dispose()
  await folder?.remove()
})

/** Mints with the key of the example, by a clock that is behind. */
function mintBy(behindMs: number, ttlSeconds: number, count = 1): Promise<string[]> {
  return readFile(join(folder.path, 'private-key.json'), 'utf8').then(async (jwk) => {
    const keys = createKeyRing({ active: createKey(JSON.parse(jwk), { alg: 'RS256' }) })
    const auth = createRescind({ store: memoryStore(), keys, clock: createFakeClock(Date.now() - behindMs) })
    onTestFinished(() => auth.close())
    return Promise.all(Array.from({ length: count }, () => auth.mint({ sub: 'admin', ttlSeconds })))
  })
}

const guarded = ['POST /logout', 'POST /password/change', 'POST /password/reset'] as const

describe.each(['file', 'redis'])('with BLACKLIST=%s', (BLACKLIST) => {
  let app: ExampleProcess
  let password = '123456'
  const start = (env: Record<string, string> = {}) =>
    startExample(NAME, { BLACKLIST, REDIS_URL: redis.url, DATA_DIR: folder.path, ...env })
  const passwordIs = async (username: string, tried: string) =>
    (await app.call('POST /login', { json: { username, password: tried } })).status === 200

  beforeAll(async () => {
    app = await start()
    // The other store's tests have left another password behind.
    password = (await passwordIs('admin', '123456')) ? '123456' : 'left behind'
  })
  afterAll(async () => {
    await app?.stop()
  })

  const logIn = async (on = app) => {
    const { body } = await on.call('POST /login', { json: { username: 'admin', password } })
    return String(body.token)
  }
  const call = (route: string, token: string, json?: unknown): Promise<ExampleReply> =>
    app.call(route, { headers: { token }, json })
  /** A route that is behind the guard and, with this body, changes nothing. */
  const knock = (token: string, on = app) =>
    on.call('POST /password/change', { headers: { token }, json: { old_password: 'wrong', new_password: 'never' } })
  const isIn = refused('原密码错误!')

  describe('POST /login', () => {
    it('answers a token signed by RS256', async () => {
      const { status, body } = await app.call('POST /login', { json: { username: 'admin', password } })
      expect(status).toBe(200)
      expect(body).toEqual({ ...done.body, token: expect.any(String) })
      const [header = ''] = String(body.token).split('.')
      expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toMatchObject({ alg: 'RS256' })
      expect(await knock(String(body.token))).toEqual(isIn)
    })

    it('refuses an unknown user and a wrong password in the same words', async () => {
      const replies = await Promise.all([
        app.call('POST /login', { json: { username: 'admin', password: 'wrong' } }),
        app.call('POST /login', { json: { username: 'nobody', password } }),
        app.call('POST /login', { json: { username: '__proto__', password } }),
      ])
      expect(replies).toEqual(replies.map(() => refused('用户名或密码错误!')))
    })
  })

  it('POST /logout kills the carried token, and no other of the user', async () => {
    const [leaving, staying] = [await logIn(), await logIn()]
    expect(await call('POST /logout', leaving)).toEqual(done)
    for (const route of guarded) expect(await call(route, leaving)).toEqual(LOG_IN_AGAIN)
    expect(await knock(staying)).toEqual(isIn)
  })

  it.each(['change', 'reset'])('POST /password/%s kills every token of the user, in every browser', async (verb) => {
    const { body } = await app.call('POST /login', { json: { username: 'user', password: '123456' } })
    const tokens = [await logIn(), await logIn(), await logIn()]
    const next = `next password ${verb}`
    const old = verb === 'change' ? { old_password: password } : {}
    expect(await call(`POST /password/${verb}`, tokens[0] ?? '', { ...old, new_password: next })).toEqual(done)
    for (const token of tokens) expect(await knock(token)).toEqual(LOG_IN_AGAIN)
    expect(await passwordIs('admin', password)).toBe(false)
    password = next
    expect(await knock(await logIn())).toEqual(isIn)
    expect(await knock(String(body.token))).toEqual(isIn)
  })

  it('a change with the wrong old password changes nothing', async () => {
    const token = await logIn()
    expect(await knock(token)).toEqual(isIn)
    expect(await knock(token)).toEqual(isIn)
    expect(await passwordIs('admin', password)).toBe(true)
  })

  it('refuses on every guarded route in the words of the original', async () => {
    const token = await logIn()
    const [expired = ''] = await mintBy(7_200_000, 3_600)
    for (const route of guarded) {
      expect(await app.call(route)).toEqual(MISSING)
      expect(await app.call(route, { token })).toEqual(MISSING)
      expect(await call(route, forged(token))).toEqual(INVALID)
      expect(await call(route, 'abc')).toEqual(INVALID)
      expect(await call(route, 'a.b.c')).toEqual(INVALID)
      expect(await call(route, `Bearer ${token}`)).toEqual(INVALID)
      expect(await call(route, expired)).toEqual(EXPIRED)
    }
    expect(await knock(token)).toEqual(isIn)
  })

  it('answers 400 to a body that cannot be used, and changes nothing', async () => {
    const token = await logIn()
    const half = { username: 'a\ud800', password: '123456', old_password: password, new_password: 'a\ud800' }
    const bodies = [undefined, '{"new_password":', null, [], {}, { old_password: 1, new_password: 2 }, half]
    for (const json of bodies) {
      for (const route of ['POST /login', 'POST /password/change', 'POST /password/reset']) {
        const { status, body } = await call(route, token, json)
        expect([route, status, body.code]).toEqual([route, 400, 400])
      }
    }
    expect(await knock(token)).toEqual(isIn)
    expect((await call('POST /password/reset', token, { new_password: 'x'.repeat(20_000) })).status).toBe(413)
  })

  it('keeps the blacklist, the password and the keys when the process is killed', async () => {
    const first = await start()
    const [leaving, staying] = [await logIn(first), await logIn(first)]
    expect(await first.call('POST /logout', { headers: { token: leaving } })).toEqual(done)
    expect(await first.stop('SIGKILL')).toBe('SIGKILL')
    const second = await start()
    expect(await knock(leaving, second)).toEqual(LOG_IN_AGAIN)
    expect(await knock(staying, second)).toEqual(isIn)
    const reset = { headers: { token: staying }, json: { new_password: 'left behind' } }
    expect(await second.call('POST /password/reset', reset)).toEqual(done)
    password = 'left behind'
    expect(await second.stop('SIGKILL')).toBe('SIGKILL')
    const third = await start()
    expect(await knock(staying, third)).toEqual(LOG_IN_AGAIN)
    expect(await knock(await logIn(third), third)).toEqual(isIn)
    expect(await third.stop()).toBe(0)
    // The process that ran all the while knows the tokens to be dead too.
    await eventually(async () => (await knock(staying)).body.message === LOG_IN_AGAIN.body.message)
  })
})

it('entries leave Redis by their TTL', async () => {
  const app = await startExample(NAME, { BLACKLIST: 'redis', REDIS_URL: redis.url, DATA_DIR: folder.path })
  const [token = ''] = await mintBy(0, 600)
  expect(await app.call('POST /logout', { headers: { token } })).toEqual(done)
  const client = createClient({ url: redis.url })
  await client.connect()
  onTestFinished(() => client.destroy())
  const { jti, exp } = claimsOf(token)
  const [key = ''] = await client.keys(`*${jti}*`)
  const ttlMs = await client.pTTL(key)
  expect(ttlMs).toBeGreaterThanOrEqual(Number(exp) * 1_000 - Date.now())
  expect(ttlMs).toBeLessThan(2 * 3_600_000)
  expect(await app.stop()).toBe(0)
})

it('expired entries leave the file', async () => {
  const app = await startExample(NAME, { DATA_DIR: folder.path })
  const content = async () => {
    const names = (await readdir(folder.path)).filter((name) => name.startsWith('token_blacklist.txt'))
    return (await Promise.all(names.map((name) => readFile(join(folder.path, name), 'utf8')))).join()
  }
  const tokens = await mintBy(0, 5, 50)
  const replies = await Promise.all(tokens.map((token) => app.call('POST /logout', { headers: { token } })))
  expect(replies).toEqual(tokens.map(() => done))
  const ids = tokens.map((token) => String(claimsOf(token).jti))
  const before = await content()
  expect(ids.filter((id) => !before.includes(id))).toEqual([])
  await eventually(async () => {
    const now = await content()
    return ids.every((id) => !now.includes(id))
  }, 40_000)
  expect(await app.stop()).toBe(0)
}, 60_000)

it('answers an address that cannot be read in its own shape', async () => {
  const app = await startExample(NAME, { DATA_DIR: folder.path })
  expect(await app.call('GET /%ff')).toEqual({ status: 400, body: { code: 400, message: '请求不合法!' } })
  expect(await app.stop()).toBe(0)
})

describeLifecycle(NAME, () => ({ DATA_DIR: folder.path }))

it('does not start without Redis, and says so', async () => {
  const env = { BLACKLIST: 'redis', REDIS_URL: 'redis://127.0.0.1:1', DATA_DIR: folder.path, PORT: '0' }
  const { code, output } = await runToEnd(NAME, 'main.mjs', env)
  expect([code, output]).toEqual([1, expect.stringMatching(/^cannot start: Redis does not answer/m)])
})

it('says which stores there are', async () => {
  const { code, output } = await runToEnd(NAME, 'main.mjs', { BLACKLIST: 'paper', DATA_DIR: folder.path, PORT: '0' })
  expect(code).toBe(1)
  expect(output).toContain('BLACKLIST must be file or redis')
})
