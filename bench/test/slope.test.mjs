import { expect, it } from 'vitest'
import { leastSquares } from '../src/soak/slope.mjs'

it('finds the slope of a line, and none in noise around a level', () => {
  const x = Array.from({ length: 50 }, (_, at) => at)
  const line = leastSquares(
    x,
    x.map((each) => 3 * each + 7),
  )
  expect(line.slope).toBeCloseTo(3)
  expect(line.error).toBeCloseTo(0)
  const level = leastSquares(
    x,
    x.map((each) => 100 + (each % 2)),
  )
  expect(Math.abs(level.slope)).toBeLessThan(2 * level.error)
})
