import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { startService, temporaryFolder } from '../service/processes.mjs'
import { comeAndGo } from './people.mjs'
import { leastSquares } from './slope.mjs'

const CONNECTIONS = 32
const SAMPLE_MS = 5_000
// Tokens and sessions live for seconds, so that in minutes many times more are forgotten than are remembered.
const SETTINGS = { ACCESS_TOKEN_TTL: '5s', REFRESH_TOKEN_TTL: '20s' }
/** This part of the run is not judged: the cache of verified tokens fills, the allocator comes to its size. */
const WARM_UP = 0.4
/**
 * What counts as flat, in MiB per 10 minutes. The cache of verified tokens drops its older half at once, which makes the
 * heap a saw of some 6 MiB; the index of revocations doubles in steps, and the allocator hands out segments of up to a
 * MiB. A leak of 100 bytes a request would show as some 50.
 */
const NOISE_MIB = 8
const MIB = 1024 * 1024

/** Memory of the real service under load: whether it grows once it is warm. */
export async function soakService({ minutes, report }) {
  const { path, dispose } = temporaryFolder()
  const reporter = join(import.meta.dirname, 'memory-reporter.mjs')
  const service = await startService(path, SETTINGS, ['--expose-gc', '--import', reporter])
  const ending = new AbortController()
  const crowd = comeAndGo(service.url, { connections: CONNECTIONS, signal: ending.signal })
  const samples = await Promise.race([
    sampled(service.child, minutes),
    // It ends only by failing, as long as nobody asks it to.
    crowd.then(() => Promise.reject(new Error('the crowd left too early'))),
  ])
  ending.abort()
  const done = await crowd
  await service.stop()
  dispose()

  const warm = samples.slice(Math.floor(samples.length * WARM_UP))
  for (const [kind, name] of Object.entries({ rss: 'RSS', heapUsed: 'heap in use' })) {
    const { slope, error } = growth(warm, kind)
    report.figure('memory', `growth of ${name} after warm-up, in 10 minutes of load`, {
      value: slope,
      most: NOISE_MIB,
      unit: 'MiB',
      note: `± ${(2 * error).toFixed(1)} over ${minutes} min; ${(warm[0][kind] / MIB).toFixed(1)} to ${(warm.at(-1)[kind] / MIB).toFixed(1)} MiB`,
    })
  }
  report.measured('what the service answered', 'requests', done)
  report.series('memory under load', {
    unit: 'MiB',
    xUnit: 'minutes',
    x: samples.map(({ minute }) => Number(minute.toFixed(2))),
    y: { RSS: samples.map(({ rss }) => rss / MIB), 'heap in use': samples.map(({ heapUsed }) => heapUsed / MIB) },
  })
}

async function sampled(child, minutes) {
  const startedAt = performance.now()
  const samples = []
  for (let minute = 0; minute < minutes; minute = (performance.now() - startedAt) / 60_000) {
    await wait(SAMPLE_MS)
    child.send('report')
    const [memory] = await once(child, 'message')
    samples.push({ minute: (performance.now() - startedAt) / 60_000, ...memory })
  }
  return samples
}

/** MiB per 10 minutes. */
function growth(samples, kind) {
  const { slope, error } = leastSquares(
    samples.map(({ minute }) => minute / 10),
    samples.map((sample) => sample[kind] / MIB),
  )
  return { slope, error }
}
