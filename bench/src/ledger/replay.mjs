import { randomUUID } from 'node:crypto'
import { createKeyRing, createRescind, generateKey } from 'rescind'
import { median } from '../interleave.mjs'

const LIFE_MS = 24 * 3_600_000
const keys = createKeyRing({ active: generateKey('EdDSA') })

/** How long a process takes to start that finds so many live records. */
export async function measureReplay(backend, place, { records, quick }) {
  const writer = await backend.open(place)
  const expiresAt = Date.now() + LIFE_MS
  for (let n = 0; n < records; n += 500) {
    const at = Date.now()
    await writer.store.ledger.append(
      Array.from({ length: 500 }, () => ({ kind: 'session', id: randomUUID(), at, expiresAt })),
    )
  }
  await writer.store.close()
  await writer.close()
  const times = []
  let stallMs = 0
  for (let round = 0; round < (quick ? 1 : 5); round += 1) {
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
    if (auth.status().liveRecords !== records) throw new Error(`${auth.status().liveRecords} records were replayed`)
    await auth.close()
    await reader.close()
  }
  return { ms: median(times), stallMs }
}
