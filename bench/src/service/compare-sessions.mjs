import { median } from '../interleave.mjs'
import { places, startContenders } from './contenders.mjs'
import { CALLERS, libraryLogouts, libraryRefreshes, logouts, refreshes } from './session-work.mjs'

const works = {
  'refresh rotations': { overHttp: refreshes, inProcess: libraryRefreshes },
  logouts: { overHttp: logouts, inProcess: libraryLogouts },
}
const LEAST = 5
// What sharing commits can win hangs on the disk (docs/performance.md): where a sync takes a fifth of a millisecond, the
// signatures and HTTP, which both contenders pay for, cost more. A quick run looks for a service that shares none.
const LEAST_QUICK = 1

/** Rotations and logouts per second of the service, beside the baseline, on one store. */
export async function compareSessions(storeName, { quick, report }) {
  const rounds = quick ? 3 : 5
  const count = quick ? 500 : 5_000
  const place = await places[storeName]()
  const { contenders, stop } = await startContenders(place)
  const measure = (work, calls) => interleaveRates(contenders, { work, rounds, calls })
  for (const [what, { overHttp, inProcess }] of Object.entries(works)) {
    const http = await measure(overHttp, count)
    report.figure(storeName, `${what}/s on ${CALLERS} connections: service / one commit per request`, {
      value: http.ratio,
      least: quick ? LEAST_QUICK : LEAST,
      note: `${Math.round(http.rates.service)}/s and ${Math.round(http.rates.baseline)}/s`,
    })
    report.measured(`${what} on ${storeName}`, 'per second', http.rates)
    if (quick) continue
    const { rates } = await measure(inProcess, count)
    report.measured(`${what} on ${storeName} without HTTP`, 'per second', rates)
  }
  await stop()
  await place.dispose()
}

/** The median over the rounds of each contender's rate, and of the ratios within each round. */
async function interleaveRates(contenders, { work, rounds, calls }) {
  const measured = []
  // The first round is for the compiler.
  for (let round = 0; round <= rounds; round += 1) {
    const names = Object.keys(contenders)
    // Neither is always the one that comes second, when the disk is still busy with the first one's pages.
    const order = round % 2 === 0 ? names : names.toReversed()
    const rates = {}
    for (const name of order) rates[name] = await work(contenders[name], round === 0 ? calls / 5 : calls)
    if (round > 0) measured.push(rates)
  }
  return {
    rates: Object.fromEntries(
      Object.keys(contenders).map((name) => [name, median(measured.map((rates) => rates[name]))]),
    ),
    ratio: median(measured.map(({ service, baseline }) => service / baseline)),
  }
}
