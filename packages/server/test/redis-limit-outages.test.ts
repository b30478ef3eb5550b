import { expect, it, onTestFinished } from 'vitest'
import { startRedis } from '../../../tools/servers/redis.mjs'
import { openRateLimits } from '../src/rate-limits/open-rate-limits.ts'
import { defaultRateLimits } from '../src/rate-limits/settings.ts'

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
  const count = async () => {
    for (const kind of [counters, guessCounters]) await kind.add('key', 1, 60_000)
  }

  await count()
  expect(ofCounting()).toEqual([])
  await redis.kill()
  for (let at = 0; at < 3; at += 1) await count()
  expect(await counters.get('key')).toMatchObject({ count: 3 })
  expect(ofCounting()).toEqual([
    expect.stringMatching(/^each instance counts its rate limits for itself, since Redis fails: \S/),
  ])
  await redis.start()
  await expect
    .poll(() => count().then(() => ofCounting().slice(1)), { timeout: 15_000 })
    .toEqual(['the rate limits are counted in Redis again'])
})
