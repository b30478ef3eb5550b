import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { createKeyRing, createRescind, generateKey } from 'rescind'
import { quantile } from '../interleave.mjs'
import { backends } from './stores.mjs'

export const RATE_PER_SECOND = 500
const keys = createKeyRing({ active: generateKey('EdDSA') })

/** How long after its acknowledgement a revocation is known to another process. */
export async function measurePropagation(name, place, { quick }) {
  const seconds = quick ? 1 : 10
  const { store, close } = await backends[name].open(place)
  const auth = createRescind({ store, keys })
  await auth.ready()
  const follower = fork(join(import.meta.dirname, 'follower.mjs'), [name, place])
  const exited = once(follower, 'exit')
  await once(follower, 'message')
  const acknowledged = new Map()
  const revocations = []
  const start = performance.now()
  for (let n = 0; n < RATE_PER_SECOND * seconds; n += 1) {
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
