import { RateLimiterRedis } from 'rate-limiter-flexible'
import { withDeadline } from '../deadline.ts'
import type { RedisClient } from '../redis-connection.ts'
import type { Counters } from './counters.ts'
import type { RedisOutage } from './redis-outage.ts'

const DEADLINE_MS = 250
const KEY_PREFIX = 'rescind:limit'

/** What {@link redisCounters} does where Redis does not answer. */
export interface RedisCountersOptions {
  /** Counts meanwhile. */
  readonly insurance: Counters
  /** May be shared. */
  readonly outage: RedisOutage
  /** What a login waits for a Redis that does not answer, before it is counted here. @default 250 */
  readonly deadlineMs?: number
}

/**
 * Counts in Redis, which every instance shares. While Redis does not answer, each instance counts for itself in
 * `insurance`: limits become wider by the number of instances, but never go away.
 */
export function redisCounters(
  client: RedisClient,
  { insurance, outage, deadlineMs = DEADLINE_MS }: RedisCountersOptions,
): Counters {
  // A counter that refuses nothing by itself: every caller has bounds of its own.
  const limiter = new RateLimiterRedis({
    storeClient: client,
    useRedisPackage: true,
    rejectIfRedisNotReady: true,
    keyPrefix: KEY_PREFIX,
    points: Number.MAX_SAFE_INTEGER,
    duration: 1,
  })
  const ask = async <Result>(redis: () => Promise<Result>, memory: () => Promise<Result>): Promise<Result> => {
    if (outage.isResting()) return memory()
    try {
      const result = await withDeadline(redis(), deadlineMs)
      outage.answered()
      return result
    } catch (error) {
      outage.failed(error)
      return memory()
    }
  }
  return {
    add: (key, points, ttlMs) =>
      ask(
        async () => {
          const options = { customDuration: Math.max(1, Math.ceil(ttlMs / 1000)) }
          const { consumedPoints, msBeforeNext } = await (points === 1
            ? limiter.penalty(key, 1, options)
            : limiter.reward(key, 1, options))
          // Its count had ended, or was deleted: the next ones would be free.
          if (consumedPoints < 0) await limiter.penalty(key, 1, options)
          return { count: Math.max(0, consumedPoints), msLeft: msBeforeNext }
        },
        () => insurance.add(key, points, ttlMs),
      ),
    get: (key) =>
      ask(
        async () => {
          const found = await limiter.get(key)
          if (found === null || found.consumedPoints <= 0) return null
          return { count: found.consumedPoints, msLeft: found.msBeforeNext }
        },
        () => insurance.get(key),
      ),
    delete: (key) =>
      ask(
        async () => {
          await limiter.delete(key)
        },
        () => insurance.delete(key),
      ),
  }
}
