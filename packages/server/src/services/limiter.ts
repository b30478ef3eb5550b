import { RescindError } from 'rescind'

/** Runs tasks, a bounded number of them at a time, in the order they came in. */
export interface Limiter {
  /**
   * Rejects with `overloaded`: at once when the queue is full, later when the task has waited too long. A task whose
   * `signal` aborts while it waits leaves the queue; one that runs is left to end.
   */
  run<Result>(task: () => Promise<Result>, signal?: AbortSignal): Promise<Result>
  /** How many wait. */
  readonly waiting: number
}

/** A limiter that says what it did. */
export interface MeasuredLimiter extends Limiter {
  /** How many run. */
  readonly running: number
  /** How many were refused since it was made, because the queue was full or they waited too long. */
  readonly refused: number
}

/** What a limiter allows. */
export interface LimiterBounds {
  readonly maxRunning: number
  readonly maxWaiting: number
  /** How long a task may wait, in milliseconds. @default as long as it takes */
  readonly maxWaitMs?: number
}

/**
 * Bounds work that is costly by design: past `maxRunning` a task waits, past `maxWaiting` or `maxWaitMs` it is refused,
 * so that a flood of logins is answered with 503 instead of taking all memory and time.
 */
export function createLimiter({ maxRunning, maxWaiting, maxWaitMs }: LimiterBounds): MeasuredLimiter {
  // A set keeps the order of arrival, and lets go of a place in its middle at no cost.
  const waiting = new Set<() => void>()
  let running = 0
  let refused = 0

  const overloaded = (): RescindError => {
    refused += 1
    return new RescindError('overloaded', 'Too many requests at once: try again.')
  }
  const waitForPlace = (signal: AbortSignal | undefined) =>
    new Promise<void>((resolve, reject) => {
      const leaveQueue = () => {
        waiting.delete(proceed)
        clearTimeout(timer)
        signal?.removeEventListener('abort', abandon)
      }
      const proceed = () => {
        leaveQueue()
        resolve()
      }
      const giveUp = () => {
        leaveQueue()
        reject(overloaded())
      }
      const abandon = () => {
        leaveQueue()
        reject(clientGone())
      }
      const timer = maxWaitMs === undefined ? undefined : setTimeout(giveUp, maxWaitMs)
      signal?.addEventListener('abort', abandon)
      waiting.add(proceed)
    })
  const enter = async (signal: AbortSignal | undefined) => {
    if (signal?.aborted === true) throw clientGone()
    if (running < maxRunning) {
      running += 1
      return
    }
    if (waiting.size >= maxWaiting) throw overloaded()
    // The one who leaves hands its place over, so `running` does not change.
    await waitForPlace(signal)
  }
  const leave = () => {
    const [next] = waiting
    if (next === undefined) running -= 1
    else next()
  }
  return {
    async run(task, signal) {
      await enter(signal)
      try {
        return await task()
      } finally {
        leave()
      }
    },
    get waiting() {
      return waiting.size
    },
    get running() {
      return running
    },
    get refused() {
      return refused
    },
  }
}

// Nobody hears it; the access log tells it from a login that was refused.
function clientGone(): RescindError {
  return new RescindError('overloaded', 'The client has gone.')
}
