import type { Clock } from '../base/clock.ts'

/** A clock that stands still until it is told. */
export interface FakeClock extends Clock {
  /** Lets time pass: both the wall clock and the monotonic one. Milliseconds. */
  advance(ms: number): void
  /** Sets the wall clock to a time, forwards or back, while no time passes. Milliseconds since the epoch. */
  jump(toMs: number): void
}

/** Makes a clock at `startMs`, milliseconds since the epoch. */
export function createFakeClock(startMs = 1_700_000_000_000): FakeClock {
  let wall = startMs
  let monotonic = 0
  return {
    now: () => wall,
    monotonic: () => monotonic,
    advance(ms) {
      wall += ms
      monotonic += ms
    },
    jump(toMs) {
      wall = toMs
    },
  }
}
