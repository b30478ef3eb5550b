import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { createFakeClock } from 'rescind/testing'
import type { Session } from 'rescind/wire'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readConfig } from '../src/config.ts'
import { openBackends } from '../src/open-backends.ts'
import { createSessionUses } from '../src/services/session-uses.ts'
import { backendsUnderTest } from './support/backends.ts'
import { expectProblem } from './support/problems.ts'
import { PASSWORD, type RunningApp, type StartOptions, startApp, type Tokens } from './support/start-app.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

async function start(options: StartOptions): Promise<RunningApp> {
  const app = await startApp(options)
  onTestFinished(() => app.close())
  return app
}

async function refreshed(app: RunningApp, { refresh_token }: Tokens): Promise<Tokens> {
  const answer = await app.post('/auth/refresh', { refresh_token })
  if (answer.status !== 200) throw new Error(`refresh: ${answer.status}`)
  return (await answer.json()) as Tokens
}

const isAlive = async (app: RunningApp, { refresh_token }: Tokens) =>
  (await app.post('/auth/refresh', { refresh_token })).status === 200

async function lastUse(app: RunningApp, token: string, sid: string): Promise<number> {
  const answer = await app.get('/auth/sessions', token)
  const { sessions } = (await answer.json()) as { sessions: Session[] }
  return Date.parse(sessions.find(({ id }) => id === sid)?.last_used_at ?? '')
}

describe('the life of a session', () => {
  it('ends at its greatest age, however often it is refreshed (ASVS 7.3.2)', async () => {
    const clock = createFakeClock()
    const app = await start({ clock, settings: { SESSION_MAX_AGE: '3d', REFRESH_TOKEN_TTL: '1d' } })
    let tokens = await app.register()
    for (let hour = 12; hour < 72; hour += 12) {
      clock.advance(12 * HOUR_MS)
      tokens = await refreshed(app, tokens)
    }
    clock.advance(12 * HOUR_MS)
    await expectProblem(await app.post('/auth/refresh', { refresh_token: tokens.refresh_token }), 'token_expired')
    await expectProblem(await app.get('/auth/status', tokens.access_token), 'token_expired')
  })

  it('ends when it is not refreshed for so long (ASVS 7.3.1)', async () => {
    const clock = createFakeClock()
    const app = await start({ clock, settings: { REFRESH_TOKEN_TTL: '2d' } })
    const tokens = await app.register()
    clock.advance(2 * DAY_MS - 1000)
    const next = await refreshed(app, tokens)
    clock.advance(2 * DAY_MS)
    expect(await isAlive(app, next)).toBe(false)
  })
})

describe.each(backendsUnderTest)('the last use of a session over $name', ({ prepare }) => {
  const settings = prepare()

  it('is known to the other instances after a minute', async () => {
    const clock = createFakeClock(Date.now())
    const shared = await settings()
    const one = await start({ clock, settings: shared })
    const other = 'DATABASE_URL' in shared ? await start({ clock, settings: shared }) : one
    const { access_token, session_id, user } = await one.register()
    const login = await one.post('/auth/login', { email: user.email, password: PASSWORD })
    const onlooker = ((await login.json()) as Tokens).access_token
    const began = clock.now()
    expect(await lastUse(one, onlooker, session_id)).toBe(began)
    clock.advance(40_000)
    expect((await one.get('/auth/status', access_token)).status).toBe(200)
    expect(await lastUse(one, onlooker, session_id)).toBe(began + 40_000)
    clock.advance(20_000)
    // A request of somebody else is what makes it write.
    await one.get('/auth/status', onlooker)
    await expect.poll(() => lastUse(other, onlooker, session_id)).toBe(began + 40_000)
  })
})

describe.each(backendsUnderTest)('the written uses over $name', ({ prepare }) => {
  const settings = prepare()

  it('keep the latest time, and are forgotten in parts', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'rescind-uses-'))
    const backends = await openBackends(readConfig({ DATA_DIR: directory, ...(await settings()) }), () => {})
    onTestFinished(async () => {
      await backends.close()
      rmSync(directory, { recursive: true, force: true })
    })
    const { sessionUses } = backends.database
    const many = Array.from({ length: 500 }, (_, index) => ({ sid: `s'${index}`, usedAtMs: 1_700_000_000_000 + index }))
    await Promise.all([sessionUses.record(many), sessionUses.record([...many].reverse())])
    await sessionUses.record([
      { sid: "s'0", usedAtMs: 5 },
      { sid: "s'1", usedAtMs: 1_800_000_000_000 },
    ])
    const wished = ["s'0", "s'1", "s'2", 'unknown']
    expect([...(await sessionUses.of(wished))].sort()).toEqual([
      ["s'0", 1_700_000_000_000],
      ["s'1", 1_800_000_000_000],
      ["s'2", 1_700_000_000_002],
    ])
    const living = async () => (await sessionUses.of(many.map(({ sid }) => sid))).size
    await sessionUses.prune(1_700_000_000_100, 60)
    expect(await living()).toBe(440)
    await sessionUses.prune(1_700_000_000_100, 60)
    expect(await living()).toBe(401)
    expect([...(await sessionUses.of([]))]).toEqual([])
  })
})

describe('the gathered uses', () => {
  function createRecorded(fail: { now: boolean } = { now: false }) {
    const clock = createFakeClock()
    const writes: [string, number][] = []
    const pruned: number[] = []
    const uses = createSessionUses({
      clock,
      idleMs: DAY_MS,
      records: {
        async record(given) {
          if (fail.now) throw new Error('the database is away')
          for (const { sid, usedAtMs } of given) writes.push([sid, usedAtMs])
        },
        of: async () => {
          if (fail.now) throw new Error('the database is away')
          return new Map(writes)
        },
        async prune(beforeMs) {
          pruned.push(beforeMs)
        },
      },
    })
    onTestFinished(() => uses.close())
    return { clock, writes, pruned, uses }
  }

  it('are written once a minute, each session once, with its last use', async () => {
    const { clock, writes, pruned, uses } = createRecorded()
    const began = clock.now()
    for (let second = 0; second < 3600; second += 1) {
      uses.note('busy')
      if (second % 1800 === 0) uses.note('calm')
      clock.advance(1000)
      await setImmediate()
    }
    await expect.poll(() => writes.filter(([sid]) => sid === 'busy').length).toBe(59)
    expect(writes.filter(([sid]) => sid === 'calm').length).toBe(2)
    const times = writes.filter(([sid]) => sid === 'busy').map(([, at]) => at - began)
    expect(times.every((at, index) => index === 0 || at - (times[index - 1] ?? 0) >= MINUTE_MS)).toBe(true)
    expect((pruned[0] ?? 0) - (began - DAY_MS)).toBeOneOf([60_000, 61_000, 62_000])
  })

  it('outlive a database that fails, and fail nobody', async () => {
    const fail = { now: true }
    const { clock, writes, uses } = createRecorded(fail)
    const began = clock.now()
    uses.note('a')
    clock.advance(MINUTE_MS)
    uses.note('b')
    await expect.poll(async () => (await uses.lastOf(['a', 'b'])).size).toBe(2)
    fail.now = false
    clock.advance(MINUTE_MS)
    uses.note('b')
    const all = new Map([
      ['a', began],
      ['b', began + 2 * MINUTE_MS],
    ])
    await expect.poll(() => new Map(writes)).toEqual(all)
  })

  it('are written when the service ends', async () => {
    const { writes, uses, clock } = createRecorded()
    uses.note('a')
    await uses.close()
    expect(writes).toEqual([['a', clock.now()]])
    uses.note('b')
    await uses.close()
    expect(writes.length).toBe(1)
  })

  it('take no more memory than is worth it', async () => {
    const { clock, writes, uses } = createRecorded()
    for (let index = 0; index < 120_000; index += 1) uses.note(`session-${index}`)
    clock.advance(MINUTE_MS)
    uses.note('session-0')
    await expect.poll(() => writes.length).toBe(100_000)
  })
})
