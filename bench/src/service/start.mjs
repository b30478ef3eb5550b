import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { median } from '../interleave.mjs'
import { ask } from './accounts.mjs'
import { places } from './contenders.mjs'
import { startService } from './processes.mjs'

const REVOCATIONS = 1_000_000
const BATCH = 1_000
const LIFE_MS = 86_400_000
const ROUNDS = 5
const MOST_MS = 5_000

/** From the start of the process until it says that it is ready, with a ledger of a million live revocations. */
export async function measureStart(storeName, report) {
  const place = await places[storeName]()
  const { settings, open } = place.ours
  // It makes the folder, the tables and the key.
  await startService(place.folder, settings).then((service) => service.stop())
  const { store, close } = await open()
  for (let done = 0; done < REVOCATIONS; done += BATCH) await store.ledger.append(liveRevocations(BATCH))
  await close()
  const times = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedAt = performance.now()
    const service = await startService(place.folder, settings)
    while ((await ask(service.url, 'GET', '/health/ready')).status !== 200) await wait(5)
    times.push(performance.now() - startedAt)
    await service.stop()
  }
  report.figure(storeName, 'start with 1 M live revocations until ready', {
    value: median(times),
    most: MOST_MS,
    unit: 'ms',
    note: `${ROUNDS} starts, ${Math.round(Math.min(...times))} to ${Math.round(Math.max(...times))} ms`,
  })
  await place.dispose()
}

function liveRevocations(count) {
  const at = Date.now()
  return Array.from({ length: count }, () => ({ kind: 'session', id: randomUUID(), at, expiresAt: at + LIFE_MS }))
}
