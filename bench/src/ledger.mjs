import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { createKeyRing, createRescind, generateKey } from 'rescind'
import { backends } from './ledger-stores.mjs'
import { print } from './table.mjs'

const CALLERS = 1_000
const ROUNDS = 5
const RATE_PER_SECOND = 500
const PROPAGATION_SECONDS = 10
const REPLAYED = 1_000_000
const LIFE_MS = 3_600_000

const targets = {
  file: { throughput: 15, propagationMs: 60, replayMs: 2_000 },
  SQLite: { throughput: 15, propagationMs: 60, replayMs: 4_000 },
  PostgreSQL: { throughput: 15, propagationMs: 10, replayMs: 4_000 },
  Redis: { throughput: 5, propagationMs: 10, replayMs: 4_000 },
}

/** The promises of the revocation engine that are figures: see docs/promises.md. */
export async function ledger() {
  const only = process.env.BENCH_STORES?.split(',') ?? Object.keys(backends)
  for (const name of only) {
    const backend = backends[name]
    const target = targets[name]
    const throughput = await withBackend(backend, (place) => measureThroughput(backend, place))
    print(name, 'acknowledged revocations/s of 1,000 callers: shared commits / a commit for each', {
      value: throughput.ratio,
      least: target.throughput,
      note: `${Math.round(throughput.shared)}/s and ${Math.round(throughput.single)}/s; appends side by side ${Math.round(throughput.together)}/s`,
    })
    const delays = await withBackend(backend, (place) => measurePropagation(name, place))
    print(name, `propagation to another process at ${RATE_PER_SECOND}/s, p99 in ms`, {
      value: delays.p99,
      most: target.propagationMs,
      note: `median ${delays.p50.toFixed(1)}, worst ${delays.worst.toFixed(1)}`,
    })
    const replay = await withBackend(backend, (place) => measureReplay(backend, place))
    print(name, 'replay of 1 M live records at start, ms', {
      value: replay.ms,
      most: target.replayMs,
      note: `worst stall of the event loop ${Math.round(replay.stallMs)} ms`,
    })
  }
}

async function withBackend(backend, work) {
  const { place, dispose } = await backend.make()
  try {
    return await work(place)
  } finally {
    await dispose()
  }
}

const keys = createKeyRing({ active: generateKey('EdDSA') })

/** Callers that revoke one token after another; answers how many were acknowledged per second. */
async function perSecond(revoke, calls) {
  let left = calls
  const start = performance.now()
  await Promise.all(
    Array.from({ length: CALLERS }, async () => {
      while (left > 0) {
        left -= 1
        await revoke(randomUUID())
      }
    }),
  )
  return (calls / (performance.now() - start)) * 1_000
}

async function measureThroughput(backend, place) {
  const { store, close } = await backend.open(place)
  const auth = createRescind({ store, keys })
  await auth.ready()
  // The file store shares a sync, and Redis a turn of its loop, among calls that come together. One after the other they
  // have a commit each.
  let turn = Promise.resolve()
  const inTurn = (work) => {
    turn = turn.then(work)
    return turn
  }
  const alone = backend.sharesItself ? inTurn : (work) => work()
  const append = (id) => {
    const at = Date.now()
    return store.ledger.append([{ kind: 'token', id, at, expiresAt: at + LIFE_MS }])
  }
  const shared = []
  const single = []
  const together = []
  const ratios = []
  for (let round = 0; round < ROUNDS; round += 1) {
    single.push(await perSecond((id) => alone(() => append(id)), 2 * CALLERS))
    together.push(await perSecond(append, 2 * CALLERS))
    shared.push(await perSecond((jti) => auth.revoke.token({ jti }), 20 * CALLERS))
    ratios.push(shared.at(-1) / single.at(-1))
  }
  await auth.close()
  await close()
  return { shared: median(shared), single: median(single), together: median(together), ratio: median(ratios) }
}

async function measurePropagation(name, place) {
  const { store, close } = await backends[name].open(place)
  const auth = createRescind({ store, keys })
  await auth.ready()
  const follower = fork(join(import.meta.dirname, 'ledger-follower.mjs'), [name, place])
  const exited = once(follower, 'exit')
  await once(follower, 'message')
  const acknowledged = new Map()
  const revocations = []
  const start = performance.now()
  for (let n = 0; n < RATE_PER_SECOND * PROPAGATION_SECONDS; n += 1) {
    const due = start + (n * 1_000) / RATE_PER_SECOND
    while (performance.now() < due) await new Promise((resolve) => setTimeout(resolve, 1))
    const jti = randomUUID()
    revocations.push(
      auth.revoke.token({ jti }).then(() => acknowledged.set(jti, Number(process.hrtime.bigint()) / 1e6)),
    )
  }
  await Promise.all(revocations)
  await new Promise((resolve) => setTimeout(resolve, 500))
  follower.send('report')
  const [arrivals] = await once(follower, 'message')
  await exited
  await auth.close()
  await close()
  const arrivedAt = new Map(arrivals)
  const missing = [...acknowledged.keys()].filter((id) => !arrivedAt.has(id))
  if (missing.length > 0) throw new Error(`${missing.length} revocations never arrived`)
  // What arrived before the writer heard of its own success was no later than it.
  const delays = [...acknowledged].map(([id, at]) => Math.max(0, arrivedAt.get(id) - at)).sort((a, b) => a - b)
  return { p50: quantile(delays, 0.5), p99: quantile(delays, 0.99), worst: delays.at(-1) }
}

async function measureReplay(backend, place) {
  const writer = await backend.open(place)
  const expiresAt = Date.now() + 24 * LIFE_MS
  for (let n = 0; n < REPLAYED; n += 500) {
    const at = Date.now()
    await writer.store.ledger.append(
      Array.from({ length: 500 }, () => ({ kind: 'session', id: randomUUID(), at, expiresAt })),
    )
  }
  await writer.store.close()
  await writer.close()
  const times = []
  let stallMs = 0
  for (let round = 0; round < 3; round += 1) {
    const start = performance.now()
    const reader = await backend.open(place)
    const auth = createRescind({ store: reader.store, keys })
    let last = performance.now()
    const watch = setInterval(() => {
      stallMs = Math.max(stallMs, performance.now() - last - 1)
      last = performance.now()
    }, 1)
    await auth.ready()
    times.push(performance.now() - start)
    clearInterval(watch)
    if (auth.status().liveRecords !== REPLAYED) throw new Error(`${auth.status().liveRecords} records were replayed`)
    await auth.close()
    await reader.close()
  }
  return { ms: median(times), stallMs }
}

function median(values) {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  )
}

function quantile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}
