import { expect, it, onTestFinished } from 'vitest'
import { startRedis } from '../../../tools/servers/redis.mjs'
import { openRateLimits } from '../src/rate-limits/open-rate-limits.ts'
import { defaultRateLimits } from '../src/rate-limits/settings.ts'
import { command } from './support/servers.ts'

it('one warning tells that Redis does not count any more, for whatever is counted, and one that it does again', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.dispose())
  const warnings: string[] = []
  const onWarning = (message: string) => void warnings.push(message)
  const { rateLimits, close } = await openRateLimits({ rateLimits: defaultRateLimits, redisUrl: redis.url }, onWarning)
  onTestFinished(close)
  if (rateLimits === undefined) throw new Error('nothing is counted')
  const { counters, guessCounters = counters } = rateLimits
  const ofCounting = () => warnings.filter((message) => message.includes('rate limits'))
  const count = async (key: string) => {
    for (const kind of [counters, guessCounters]) await kind.add(key, 1, 60_000)
  }
  const began = expect.stringMatching(/^each instance counts its rate limits for itself, since Redis fails: \S/)
  const ended = 'the rate limits are counted in Redis again'

  // On a machine that is busy Redis may be late for the first: then an outage is told here already, and its end.
  await expect.poll(() => count('before').then(() => ofCounting().length % 2), { timeout: 15_000 }).toBe(0)
  expect(await command(redis.url, ['DBSIZE'])).toBe(1)
  const before = ofCounting().length
  await redis.kill()
  for (let at = 0; at < 3; at += 1) await count('meanwhile')
  expect(await counters.get('meanwhile')).toMatchObject({ count: 3 })
  expect(ofCounting().slice(before)).toEqual([began])
  await redis.start()
  await expect
    .poll(() => count('after').then(() => ofCounting().slice(before + 1)), { timeout: 15_000 })
    .toContain(ended)
  expect(ofCounting()[before + 1]).toBe(ended)
})
