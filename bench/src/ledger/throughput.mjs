import { randomUUID } from 'node:crypto'
import { createKeyRing, createRescind, generateKey } from 'rescind'
import { median } from '../interleave.mjs'

const CALLERS = 1_000
const LIFE_MS = 3_600_000
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

/** What 1,000 callers get done, beside a commit for each of their revocations on the same store. */
export async function measureThroughput(backend, place, { quick }) {
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
  const [rounds, calls] = quick ? [1, CALLERS / 2] : [5, 2 * CALLERS]
  for (let round = 0; round < rounds; round += 1) {
    single.push(await perSecond((id) => alone(() => append(id)), calls))
    together.push(await perSecond(append, calls))
    shared.push(await perSecond((jti) => auth.revoke.token({ jti }), (quick ? 20 : 10) * calls))
    ratios.push(shared.at(-1) / single.at(-1))
  }
  await auth.close()
  await close()
  return { shared: median(shared), single: median(single), together: median(together), ratio: median(ratios) }
}
