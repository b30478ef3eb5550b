import { expect, it } from 'vitest'
import { createSteadyTime } from '../../src/base/clock.ts'

it('steady time is whole milliseconds, and no faster than the process lives', () => {
  const clock = { wall: 1_700_000_000_000, monotonic: 12.345 }
  const steadyTime = createSteadyTime({ now: () => clock.wall, monotonic: () => clock.monotonic })
  clock.monotonic += 1_000.9
  clock.wall += 86_400_000
  expect(steadyTime()).toBe(1_700_000_001_000)
  clock.wall = 1_699_999_999_000
  expect(steadyTime()).toBe(1_699_999_999_000)
})
