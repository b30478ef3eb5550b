// A process of its own that follows a ledger and tells when each record arrived.
import { backends } from './stores.mjs'

const [name, place] = process.argv.slice(2)
const { store, close } = await backends[name].open(place)
const ending = new AbortController()
let position = null
for await (const page of store.ledger.read(null)) position = page.position
const arrivals = []
process.on('message', async () => {
  // Disconnecting would throw away what is still on its way.
  await new Promise((resolve) => process.send(arrivals, resolve))
  ending.abort()
  await following
  await close()
  process.disconnect()
})
const following = store.ledger.follow(
  position,
  {
    now: () => performance.now(),
    current: () => {},
    records(page) {
      // CLOCK_MONOTONIC is the same for every process of the machine.
      const at = Number(process.hrtime.bigint()) / 1e6
      for (const record of page.records) arrivals.push([record.id, at])
    },
  },
  ending.signal,
)
process.send('following')
await following
