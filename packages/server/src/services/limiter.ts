import { RescindError } from 'rescind'

/** Runs tasks, a bounded number of them at a time. */
export interface Limiter {
  /** Rejects with `overloaded` at once when the queue is full. */
  run<Result>(task: () => Promise<Result>): Promise<Result>
}

/**
 * Bounds work that is costly by design: past `maxRunning` a task waits, past `maxWaiting` it is refused, so that a flood
 * of logins is answered with 503 instead of taking all memory and time.
 */
export function createLimiter(bounds: { maxRunning: number; maxWaiting: number }): Limiter {
  const waiting: Array<() => void> = []
  let running = 0
  const enter = async () => {
    if (running < bounds.maxRunning) {
      running += 1
      return
    }
    if (waiting.length >= bounds.maxWaiting)
      throw new RescindError('overloaded', 'Too many requests at once: try again.')
    // The one who leaves hands its place over, so `running` does not change.
    await new Promise<void>((proceed) => waiting.push(proceed))
  }
  const leave = () => {
    const next = waiting.shift()
    if (next === undefined) running -= 1
    else next()
  }
  return {
    async run(task) {
      await enter()
      try {
        return await task()
      } finally {
        leave()
      }
    },
  }
}
