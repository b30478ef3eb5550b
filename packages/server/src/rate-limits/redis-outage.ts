import { type Clock, systemClock } from 'rescind'
import type { Warn } from '../backends.ts'
import { describeFailure } from '../storage-failure.ts'

/** Whether Redis counts, as those know together who count there. */
export interface RedisOutage {
  /** True for a moment after it failed: nobody is to wait for it again and again. */
  isResting(): boolean
  failed(error: unknown): void
  answered(): void
}

const REST_MS = 1_000

/** Tells once of each outage, and of its end: meanwhile no instance knows what the others have counted. */
export function createRedisOutage(onWarning: Warn, clock: Clock = systemClock): RedisOutage {
  let restsUntil = 0
  let isOut = false
  const isResting = (): boolean => clock.monotonic() < restsUntil
  return {
    isResting,
    failed(error) {
      restsUntil = clock.monotonic() + REST_MS
      if (isOut) return
      isOut = true
      onWarning(`each instance counts its rate limits for itself, since Redis fails: ${describeFailure(error).message}`)
    },
    answered() {
      // What was asked before the failure may answer after it: that ends no outage, and nothing is counted there until the rest
      // is over.
      if (!isOut || isResting()) return
      isOut = false
      onWarning('the rate limits are counted in Redis again')
    },
  }
}
