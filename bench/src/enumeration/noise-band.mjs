import { median, quantile } from '../interleave.mjs'

const RESAMPLES = 2_000

/**
 * By how much the medians of two samples of the same thing differ through nothing but chance: the farther end of the 95 %
 * bootstrap interval of their difference.
 */
export function noiseBand(one, other) {
  const differences = Array.from({ length: RESAMPLES }, () => median(resample(one)) - median(resample(other)))
  const sorted = differences.toSorted((a, b) => a - b)
  return Math.max(Math.abs(quantile(sorted, 0.025)), Math.abs(quantile(sorted, 0.975)))
}

function resample(values) {
  return values.map(() => values[Math.floor(Math.random() * values.length)])
}
