import { RescindError } from 'rescind'
import { createFakeClock } from 'rescind/testing'
import { describe, expect, it } from 'vitest'
import { readConfig } from '../src/config.ts'
import { counterKey, memoryCounters } from '../src/rate-limits/counters.ts'
import { networkOf } from '../src/rate-limits/network.ts'
import { createPasswordGuesses } from '../src/rate-limits/password-guesses.ts'
import { defaultRateLimits } from '../src/rate-limits/settings.ts'

describe('what counts as one caller', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:c000:207', '192.0.2.7'],
    ['64:ff9b::192.0.2.7', '192.0.2.7'],
    ['64:ff9b:1::c000:207', '64:ff9b:1:0::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['192.0.2.7:5000', '192.0.2.7'],
    ['[2001:db8::1]:5000', '2001:db8:0:0::/64'],
    ['[2001:db8::1]', '2001:db8:0:0::/64'],
    ['no address', 'unknown'],
    ['unix:5', 'unknown'],
  ])('%s is %s', (ip, network) => {
    expect(networkOf(ip)).toBe(network)
  })
})

describe('counts in memory', () => {
  it('end by themselves, when the first of them began', async () => {
    const clock = createFakeClock()
    const counters = memoryCounters({ clock })
    expect(await counters.add('k', 1, 1000)).toEqual({ count: 1, msLeft: 1000 })
    clock.advance(400)
    expect(await counters.add('k', 1, 1000)).toEqual({ count: 2, msLeft: 600 })
    clock.advance(600)
    expect(await counters.get('k')).toBeNull()
    expect(await counters.add('k', 1, 1000)).toEqual({ count: 1, msLeft: 1000 })
  })

  it('are bounded: the one that rested longest goes', async () => {
    const counters = memoryCounters({ clock: createFakeClock(), maxCounts: 3 })
    for (const key of ['a', 'b', 'c', 'a', 'd']) await counters.add(key, 1, 1000)
    expect(await counters.get('a')).toMatchObject({ count: 2 })
    expect(await counters.get('b')).toBeNull()
  })

  it('that are only looked at have not rested', async () => {
    const counters = memoryCounters({ clock: createFakeClock(), maxCounts: 3 })
    for (const key of ['a', 'b', 'c']) await counters.add(key, 1, 1000)
    await counters.get('a')
    await counters.add('d', 1, 1000)
    expect(await counters.get('a')).toMatchObject({ count: 1 })
    expect(await counters.get('b')).toBeNull()
  })

  it('that ran out or were taken back make room before one that counts', async () => {
    const clock = createFakeClock()
    const counters = memoryCounters({ clock, maxCounts: 3 })
    await counters.add('a', 1, 1000)
    await counters.add('b', 1, 100)
    await counters.add('c', 1, 1000)
    await counters.add('c', -1, 1000)
    clock.advance(100)
    for (const key of ['d', 'e']) await counters.add(key, 1, 1000)
    expect(await counters.get('a')).toMatchObject({ count: 1 })
    expect(await counters.get('c')).toBeNull()
  })

  it('have keys that tell nothing and cannot be joined in two ways', () => {
    expect(counterKey('a@example.test')).toMatch(/^[\w-]{43}$/)
    expect(counterKey('a', 'b')).not.toBe(counterKey('ab'))
    expect(counterKey('a', 'b,c')).not.toBe(counterKey('a,b', 'c'))
  })
})

describe('guesses at a password', () => {
  const VICTIM = { key: 'victim', generation: 0 }
  const setUp = () => {
    const clock = createFakeClock()
    const { freeGuesses, maxGuessDelayMs } = defaultRateLimits
    const guesses = createPasswordGuesses({
      counters: memoryCounters({ clock }),
      freeGuesses,
      maxDelayMs: maxGuessDelayMs,
    })
    const tryFrom = async (place: string) => {
      try {
        return await guesses.attempt(VICTIM, place)
      } catch (error) {
        if (error instanceof RescindError && error.code === 'rate_limited') return null
        throw error
      }
    }
    return { clock, guesses, tryFrom }
  }

  it('wait ever longer', async () => {
    const { clock, guesses, tryFrom } = setUp()
    const waits: number[] = []
    for (let wrong = 0; wrong < 18; wrong += 1) {
      let waited = 0
      while ((await tryFrom('elsewhere')) === null) {
        clock.advance(1000)
        waited += 1
      }
      waits.push(waited)
    }
    expect(waits).toEqual([0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600])
    await expect(guesses.attempt(VICTIM, 'elsewhere')).rejects.toMatchObject({ retryAfterSeconds: 600 })
  })

  it('come to fewer than 100 for an account in an hour, from however many places (A26)', async () => {
    const { clock, tryFrom } = setUp()
    const perHour: number[] = []
    for (let hour = 0; hour < 30; hour += 1) {
      let passed = 0
      for (let second = 0; second < 3600; second += 1) {
        if ((await tryFrom(`place ${second}`)) !== null) passed += 1
        clock.advance(1000)
      }
      perHour.push(passed)
    }
    expect(Math.max(...perHour)).toBeLessThanOrEqual(25)
  })

  it('pass one by one when they come at once', async () => {
    const { tryFrom } = setUp()
    const passed = await Promise.all(Array.from({ length: 500 }, (_, at) => tryFrom(`place ${at}`)))
    expect(passed.filter((attempt) => attempt !== null).length).toBe(defaultRateLimits.freeGuesses + 1)
  })

  it('do not keep the owner out of a place that entered before (A27)', async () => {
    const { tryFrom } = setUp()
    await (await tryFrom('home'))?.succeeded()
    while ((await tryFrom('elsewhere')) !== null);
    const own = await tryFrom('home')
    expect(own).not.toBeNull()
    await own?.succeeded()
    // And what the owner does there makes others no faster.
    expect(await tryFrom('elsewhere')).toBeNull()
  })

  it('do not keep out who has proved in another way to own the account', async () => {
    const { tryFrom, guesses } = setUp()
    while ((await tryFrom('elsewhere')) !== null);
    expect(await tryFrom('home')).toBeNull()
    await guesses.trust(VICTIM, 'home')
    while ((await tryFrom('home')) !== null);
    // Also where somebody else guesses from the same place.
    await guesses.trust(VICTIM, 'home')
    expect(await tryFrom('home')).not.toBeNull()
    expect(await tryFrom('elsewhere')).toBeNull()
  })

  it('are told of once an hour when a password is right after many, wherever they came from', async () => {
    const { clock, tryFrom } = setUp()
    const enter = async (place: string) => (await tryFrom(place))?.succeeded()
    for (let wrong = 0; wrong < 4; wrong += 1) await tryFrom('elsewhere')
    expect(await enter('home')).toBe(false)
    await tryFrom('elsewhere')
    expect(await enter('home')).toBe(true)
    expect(await enter('home')).toBe(false)
    clock.advance(3_600_000)
    expect(await enter('new place')).toBe(true)
    expect(await enter('home')).toBe(false)
  })

  it('that were right or never looked at do not count', async () => {
    const { tryFrom } = setUp()
    for (let time = 0; time < 20; time += 1) await (await tryFrom('elsewhere'))?.withdrawn()
    for (let time = 0; time < 20; time += 1) await (await tryFrom(`new ${time}`))?.succeeded()
    expect(await tryFrom('elsewhere')).not.toBeNull()
  })
})

describe('the settings', () => {
  it('have defaults, and can be turned off', () => {
    expect(readConfig({}).rateLimits).toEqual(defaultRateLimits)
    expect(readConfig({ RATE_LIMIT: 'off' }).rateLimits).toBeNull()
  })

  it('are a count in a time', () => {
    const { rateLimits } = readConfig({ RATE_LIMIT_LOGIN: '7/2m', RATE_LIMIT_FREE_GUESSES: '3' })
    expect(rateLimits).toMatchObject({ login: { count: 7, windowMs: 120_000 }, freeGuesses: 3 })
  })

  it.each(['7', '7/', '0/1m', '7/1x', '-7/1m', '7/2d', '7/1ms', '7 / 1m'])('cannot hold %j', (value) => {
    expect(() => readConfig({ RATE_LIMIT_LOGIN: value })).toThrow(/^RATE_LIMIT_LOGIN holds .*; it may hold how many/)
  })
})
