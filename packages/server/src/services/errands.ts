import type { FastifyBaseLogger } from 'fastify'
import { RescindError } from 'rescind'
import { describeFailure } from '../storage-failure.ts'
import { createLimiter } from './limiter.ts'

/**
 * Work that is done after the answer, so that nobody can tell from the answer, or from when it came, what there was to
 * do. It begins some time later, by chance: otherwise the next answer would come a little later where there was something
 * to do, and tell.
 */
export interface Errands {
  /** Throws `overloaded` where too much waits to be done; what fails later is told to the log alone. */
  take(name: string, errand: () => Promise<void>): void
  /** Resolves when all that was taken is done. */
  settled(): Promise<void>
}

const AT_ONCE = 2
const MAX_WAITING = 10_000

/** Does errands a few at a time. Each begins within `maxDelayMs`, and at once when they are to be settled. */
export function createErrands(log: Pick<FastifyBaseLogger, 'warn'>, maxDelayMs: number): Errands {
  const sleepers = new Set<() => void>()
  const pause = () =>
    new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        sleepers.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, maxDelayMs * Math.random())
      sleepers.add(wake)
    })
  const limiter = createLimiter({ maxRunning: AT_ONCE, maxWaiting: MAX_WAITING })
  const underWay = new Set<Promise<void>>()
  return {
    take(name, errand) {
      if (underWay.size >= MAX_WAITING) throw new RescindError('overloaded', 'Too many requests at once: try again.')
      const done = pause()
        .then(() => limiter.run(errand))
        .catch((error: unknown) => {
          const cause = error instanceof RescindError && error.cause !== undefined ? error.cause : error
          log.warn({ errand: name, cause: describeFailure(cause) }, 'work after an answer failed')
        })
        .finally(() => underWay.delete(done))
      underWay.add(done)
    },
    async settled() {
      while (underWay.size > 0) {
        for (const wake of [...sleepers]) wake()
        await Promise.all(underWay)
      }
    },
  }
}
