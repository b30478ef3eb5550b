import { systemClock } from 'rescind'
import type { Warn } from '../backends.ts'
import type { Config } from '../config.ts'
import { type Counters, memoryCounters } from './counters.ts'
import type { RateLimitSettings } from './settings.ts'

/** Where requests are counted, and how many are let through. */
export interface RateLimits {
  readonly settings: RateLimitSettings
  readonly counters: Counters
  /**
   * Where wrong passwords for an account are counted. In memory they are kept apart: behind each of these counts stands
   * a password that was hashed, where a count of a network costs nothing to whoever has many networks. @default `counters`
   */
  readonly guessCounters?: Counters
}

/**
 * Opens what the configuration names: counts in Redis, which all instances share, or in this process. The service does
 * not wait for Redis here, and works without it.
 */
export async function openRateLimits(
  config: Pick<Config, 'rateLimits' | 'redisUrl'>,
  onWarning: Warn,
): Promise<{ readonly rateLimits: RateLimits | undefined; close(): void }> {
  const { rateLimits: settings, redisUrl } = config
  if (settings === null) return { rateLimits: undefined, close() {} }
  const counters = memoryCounters({ clock: systemClock })
  const guessCounters = memoryCounters({ clock: systemClock })
  if (redisUrl === undefined) return { rateLimits: { settings, counters, guessCounters }, close() {} }
  const [{ connectRedis }, { redisCounters }, { createRedisOutage }] = await Promise.all([
    import('../redis-connection.ts'),
    import('./redis-counters.ts'),
    import('./redis-outage.ts'),
  ])
  const redis = await connectRedis(redisUrl, { required: false, onWarning })
  const outage = createRedisOutage(onWarning)
  const shared = {
    counters: redisCounters(redis.client, { insurance: counters, outage }),
    guessCounters: redisCounters(redis.client, { insurance: guessCounters, outage }),
  }
  return { rateLimits: { settings, ...shared }, close: redis.close }
}
