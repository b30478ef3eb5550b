import { measurePropagation, RATE_PER_SECOND } from './ledger/propagation.mjs'
import { measureReplay } from './ledger/replay.mjs'
import { backends } from './ledger/stores.mjs'
import { measureThroughput } from './ledger/throughput.mjs'

const targets = {
  file: { throughput: 15, propagationMs: 60, replayMs: 2_000 },
  SQLite: { throughput: 15, propagationMs: 60, replayMs: 4_000 },
  PostgreSQL: { throughput: 15, propagationMs: 10, replayMs: 4_000 },
  Redis: { throughput: 5, propagationMs: 10, replayMs: 4_000 },
}

/** The promises of the revocation engine that are figures: see docs/promises.md. */
export const ledger = {
  about: 'acknowledged revocations, propagation and replay, on each store',

  async run({ quick, report }) {
    for (const [name, backend] of Object.entries(backends)) {
      // Its server takes seconds to make.
      if (quick && name === 'PostgreSQL') continue
      try {
        await measureBackend(name, backend, { quick, report })
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error
        report.notRun(name, error.message)
      }
    }
  },
}

async function measureBackend(name, backend, { quick, report }) {
  const target = targets[name]
  const throughput = await withBackend(backend, (place) => measureThroughput(backend, place, { quick }))
  report.figure(name, 'acknowledged revocations/s of 1,000 callers: shared commits / a commit for each', {
    value: throughput.ratio,
    least: target.throughput,
  })
  report.measured('acknowledged revocations, 1,000 callers', 'per second', {
    [`${name}: rescind`]: throughput.shared,
    [`${name}: appends side by side`]: throughput.together,
    [`${name}: a commit for each`]: throughput.single,
  })

  const delays = await withBackend(backend, (place) => measurePropagation(name, place, { quick }))
  // A second is too short for a quantile that means anything.
  report.figure(name, `propagation to another process at ${RATE_PER_SECOND}/s, ${quick ? 'median' : 'p99'}`, {
    value: quick ? delays.p50 : delays.p99,
    most: target.propagationMs,
    unit: 'ms',
    note: `median ${delays.p50.toFixed(1)}, worst ${delays.worst.toFixed(1)}`,
  })
  report.measured('propagation to another process', 'ms', {
    [`${name}, median`]: delays.p50,
    [`${name}, p99`]: delays.p99,
  })

  const records = quick ? 20_000 : 1_000_000
  const replay = await withBackend(backend, (place) => measureReplay(backend, place, { records, quick }))
  report.figure(name, `replay of ${records.toLocaleString('en-US')} live records at start`, {
    value: replay.ms,
    most: target.replayMs,
    unit: 'ms',
    note: `worst stall of the event loop ${Math.round(replay.stallMs)} ms`,
  })
  report.measured(`replay of ${records.toLocaleString('en-US')} live records`, 'ms', { [name]: replay.ms })
}

/** What a store needs is not on this machine. */
class Unavailable extends Error {}

async function withBackend(backend, work) {
  const { place, dispose } = await backend.make().catch((cause) => {
    throw new Unavailable(cause instanceof Error ? cause.message : String(cause), { cause })
  })
  try {
    return await work(place)
  } finally {
    await dispose()
  }
}
