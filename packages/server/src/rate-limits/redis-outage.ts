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
export function createRedisOutage(onWarning: Warn): RedisOutage {
  let restsUntil = 0
  let isOut = false
  return {
    isResting: () => performance.now() < restsUntil,
    failed(error) {
      restsUntil = performance.now() + REST_MS
      if (isOut) return
      isOut = true
      onWarning(`each instance counts its rate limits for itself, since Redis fails: ${describeFailure(error).message}`)
    },
    answered() {
      if (isOut) onWarning('the rate limits are counted in Redis again')
      isOut = false
    },
  }
}
