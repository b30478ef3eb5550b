/** How much worse than its bound a figure may be in a quick run: it looks for gross regressions only. */
const QUICK_TOLERANCE = 2

/**
 * What to say of a value that has to be at least `least` or at most `most`: `met` or `MISSED`. A quick run says `near`
 * of what misses its bound by less than twice. Without a bound, the answer is `none`.
 */
export function verdictOf({ value, least, most }, { quick }) {
  if (least === undefined && most === undefined) return 'none'
  if (within(value, least, most, 1)) return 'met'
  return quick && within(value, least, most, QUICK_TOLERANCE) ? 'near' : 'MISSED'
}

function within(value, least = Number.NEGATIVE_INFINITY, most = Number.POSITIVE_INFINITY, tolerance) {
  // Written so that NaN is never within anything.
  return value >= least / tolerance && value <= most * tolerance
}
