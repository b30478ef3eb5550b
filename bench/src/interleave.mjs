import { measure } from 'mitata'

const ROUNDS = 5

/**
 * Measures the contenders in turn, round after round, so that a drift of the machine's speed meets them all alike.
 * Answers the median over the rounds of each one's median nanoseconds per call.
 */
export async function interleave(contenders) {
  const rounds = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]))
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, work] of Object.entries(contenders)) {
      const { p50 } = await measure(work, { min_cpu_time: 100e6 })
      rounds[name].push(p50)
    }
  }
  return Object.fromEntries(
    Object.entries(rounds).map(([name, times]) => [name, times.sort((a, b) => a - b)[ROUNDS >> 1]]),
  )
}
