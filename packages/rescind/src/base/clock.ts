/** The source of time, injected so that tests can move it. */
export interface Clock {
  /** Milliseconds since the epoch. May jump, in both directions. */
  now(): number
  /** Milliseconds since some fixed moment of this process. Never jumps and never runs backwards. */
  monotonic(): number
}

/** The machine's clock. */
export const systemClock: Clock = { now: () => Date.now(), monotonic: () => performance.now() }

/**
 * A time that runs no faster than this process has lived, for forgetting: when the wall clock leaps a day ahead and
 * back again, what was forgotten by the leap would be valid once more.
 */
export function createSteadyTime(clock: Clock): () => number {
  const wallAtStart = clock.now()
  const monotonicAtStart = clock.monotonic()
  // Whole milliseconds, as every time that a store is given: a database takes no fraction for an integer.
  return () => Math.floor(Math.min(clock.now(), wallAtStart + (clock.monotonic() - monotonicAtStart)))
}
