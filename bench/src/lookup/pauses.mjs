import { createRevocationSet } from '../../../packages/rescind/dist/revocation/revocation-set.js'
import { AFTER_EXPIRY, expiredRecordFor, inWords, recordFor } from './records.mjs'

// The least of some tries counts: the collector is at work in others.
const TRIES = 3

/** How long adding a record takes at worst, from nothing to `many`, and all of the first `expiring` together. */
export function measureGrowth({ many, expiring }, report) {
  let worstMs = Number.POSITIVE_INFINITY
  let firstMs = Number.POSITIVE_INFINITY
  for (let tried = 0; tried < TRIES; tried += 1) {
    const set = createRevocationSet()
    let worst = 0
    let total = 0
    let first = 0
    for (let n = 0; n < many; n += 1) {
      const record = recordFor(n)
      const start = performance.now()
      set.add(record)
      const took = performance.now() - start
      total += took
      if (took > worst) worst = took
      if (n + 1 === expiring) first = total
    }
    worstMs = Math.min(worstMs, worst)
    firstMs = Math.min(firstMs, first)
  }
  const which = `worst pause for one record while growing to ${inWords(many)}`
  report.figure('pauses', which, { value: worstMs, most: 5, unit: 'ms' })
  const taking = `taking in the first ${inWords(expiring)} records`
  report.figure('time', taking, { value: firstMs, most: 1_000, unit: 'ms' })
}

/** The longest slice of forgetting: of all that is held, and of a part of it. */
export function measureExpiry({ many, expiring }, report) {
  for (const held of [expiring, many]) {
    let worstMs = Number.POSITIVE_INFINITY
    let totalMs = 0
    for (let tried = 0; tried < TRIES; tried += 1) {
      const set = createRevocationSet()
      for (let n = 0; n < held; n += 1) set.add(n % (held / expiring) === 0 ? expiredRecordFor(n) : recordFor(n))
      let worst = 0
      totalMs = 0
      const slices = set.forget(AFTER_EXPIRY)
      for (let done = false; !done; ) {
        const start = performance.now()
        done = slices.next().done === true
        const took = performance.now() - start
        totalMs += took
        if (took > worst) worst = took
      }
      if (set.size !== held - expiring) throw new Error(`${set.size} records are left`)
      worstMs = Math.min(worstMs, worst)
    }
    const which = `worst pause while ${inWords(expiring)} of ${inWords(held)} records expire`
    const note = `${Math.round(totalMs)} ms in all`
    report.figure('pauses', which, { value: worstMs, most: 5, unit: 'ms', note })
  }
}
