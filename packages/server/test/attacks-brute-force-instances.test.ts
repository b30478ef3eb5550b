import { systemClock } from 'rescind'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Counters, memoryCounters } from '../src/rate-limits/counters.ts'
import { redisCounters } from '../src/rate-limits/redis-counters.ts'
import { createRedisOutage } from '../src/rate-limits/redis-outage.ts'
import { defaultRateLimits } from '../src/rate-limits/settings.ts'
import { connectRedis } from '../src/redis-connection.ts'
import { behindProxy, guess, limitedApp } from './support/limited-app.ts'
import { command, useRedis } from './support/servers.ts'
import { newEmail, type RunningApp } from './support/start-app.ts'

describe('guesses that are counted in Redis', () => {
  const redisUrl = useRedis()

  // A machine that is busy may answer later than a login waits, and the instances would count for themselves.
  async function sharing(url: string, patience: { deadlineMs?: number } = { deadlineMs: 20_000 }): Promise<Counters> {
    const redis = await connectRedis(url, { required: true, onWarning: () => {} })
    onTestFinished(redis.close)
    const insurance = memoryCounters({ clock: systemClock })
    return redisCounters(redis.client, { insurance, outage: createRedisOutage(() => {}), ...patience })
  }

  it('three instances count as one (A26)', async () => {
    const url = redisUrl()
    const apps: RunningApp[] = []
    for (let at = 0; at < 3; at += 1) apps.push(await limitedApp({}, { ...behindProxy, counters: await sharing(url) }))
    const email = newEmail()
    const startMs = performance.now()
    const answers = await Promise.all(
      Array.from({ length: 90 }, (_, at) => guess(apps[at % 3] as RunningApp, email, `198.51.100.${at}`)),
    )
    const answered = (wanted: number) => answers.filter(({ status }) => status === wanted).length
    const guesses = answered(401)
    // A machine that is busy has no time for some of them: then no password was looked at.
    const unheard = answered(503)
    expect(answered(429)).toBe(90 - guesses - unheard)
    // One more is let through after a second, the next two seconds later, and so on, should this take so long.
    const seconds = (performance.now() - startMs) / 1000
    expect(guesses + unheard).toBeGreaterThan(defaultRateLimits.freeGuesses)
    expect(guesses).toBeLessThanOrEqual(defaultRateLimits.freeGuesses + 1 + Math.floor(Math.log2(seconds + 1)))
  })

  it('no key shows an address or a network', async () => {
    const url = redisUrl()
    const app = await limitedApp({}, { ...behindProxy, counters: await sharing(url) })
    await guess(app, newEmail(), '198.51.100.1')
    const keys = (await command(url, ['KEYS', '*'])) as string[]
    expect(keys.length).toBeGreaterThan(1)
    for (const key of keys) {
      expect(key).toMatch(/^rescind:limit:[\w-]{43}$/)
      expect(Number(await command(url, ['PTTL', key]))).toBeGreaterThan(0)
    }
  })

  it('what is taken back after its count has ended makes no guess free', async () => {
    for (const counters of [await sharing(redisUrl()), memoryCounters({ clock: systemClock })]) {
      await counters.add('k', 1, 60_000)
      await counters.add('k', 1, 60_000)
      await counters.delete('k')
      for (let time = 0; time < 2; time += 1) {
        expect((await counters.add('k', -1, 60_000)).count).toBe(0)
        expect(await counters.get('k')).toBeNull()
      }
      expect((await counters.add('k', 1, 60_000)).count).toBe(1)
    }
  })

  it('the limits stand when Redis goes away', async () => {
    const url = redisUrl()
    const app = await limitedApp({ login: { count: 3, windowMs: 60_000 } }, { counters: await sharing(url, {}) })
    await guess(app, newEmail())
    await command(url, ['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'])
    await command(url, ['CLIENT', 'PAUSE', '20000', 'ALL'])
    const statuses: number[] = []
    for (let time = 0; time < 5; time += 1) statuses.push((await guess(app, newEmail())).status)
    expect(statuses.slice(0, 2)).toEqual([401, 401])
    expect(statuses.slice(3)).toEqual([429, 429])
  })
})
