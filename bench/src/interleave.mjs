import { do_not_optimize as keep, measure } from 'mitata'

/**
 * Measures the contenders in turn, round after round, so that a drift of the machine's speed meets them all alike.
 * `times` has the median over the rounds of each one's median nanoseconds per call; `ratio(a, b)` is the median over the
 * rounds of the ratios within each.
 */
export async function interleave(contenders, { quick }) {
  const [roundCount, milliseconds] = quick ? [3, 10] : [7, 100]
  // Short work is timed by the batch, and a dozen batches at the least: the default of 4,096 calls would take seconds.
  const options = { min_cpu_time: milliseconds * 1e6, batch_samples: quick ? 64 : 512 }
  const works = Object.entries(contenders).map(([name, work]) => [name, keepingResults(work)])
  const rounds = []
  // The first round is for the compiler.
  for (let round = 0; round <= roundCount; round += 1) {
    const times = {}
    for (const [name, work] of works) {
      times[name] = (await measure(work, options)).p50
      await new Promise((resolve) => setImmediate(resolve))
    }
    if (round > 0) rounds.push(times)
  }
  return {
    times: Object.fromEntries(
      Object.keys(contenders).map((name) => [name, median(rounds.map((times) => times[name]))]),
    ),
    ratio: (name, peer) => median(rounds.map((times) => times[name] / times[peer])),
  }
}

/** The compiler leaves out work whose result nobody looks at: a lookup in a Set took a nanosecond then. */
function keepingResults(work) {
  return () => {
    const result = work()
    keep(result)
    return result
  }
}

export function median(values) {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  )
}

/** @param sorted least first */
export function quantile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}
