import { createKeyRing, createRescind, generateKey } from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { headerOf, principalOf, requestWith } from '../requests.mjs'

const CACHE_SIZE = 2_000
const HONEST = 500
const PER_HONEST = 10
/** More than the table that tells what comes again can hold between two sights of a newcomer. */
const FLOOD = 40

/**
 * How many honest requests are answered from the cache while an attacker sends, for each of them, as many invalid tokens
 * and as many valid ones that are shown once.
 */
export async function measureAttack({ quick, report }) {
  const keys = createKeyRing({ active: generateKey('HS256') })
  const auth = createRescind({ store: memoryStore(), keys, verifiedTokenCacheSize: CACHE_SIZE })
  await auth.ready()
  const honest = []
  for (let n = 0; n < HONEST; n += 1) honest.push(await auth.mint({ sub: `user-${n}` }))
  const passes = quick ? 3 : 10
  const attackWith = (count) => async (n) => {
    for (let sent = 0; sent < count; sent += 1) {
      principalOf(auth, headerOf(await auth.mint({ sub: 'mallory' })))
      const forged = `${honest[n].slice(0, -10)}${String(sent).padStart(10, 'A')}`
      if (auth.check(requestWith(headerOf(forged))).ok) throw new Error('a forged token passed')
    }
  }
  const seen = []
  /** What is remembered has the same claims at each sight, not equal ones. */
  const pass = async (disturb) => {
    let hits = 0
    for (const [n, token] of honest.entries()) {
      const { claims } = principalOf(auth, headerOf(token))
      if (claims === seen[n]) hits += 1
      seen[n] = claims
      await disturb(n)
    }
    return hits / HONEST
  }
  const mean = async (disturb) => {
    let sum = 0
    for (let done = 0; done < passes; done += 1) sum += await pass(disturb)
    return sum / passes
  }
  const calmly = async () => {}
  await mean(calmly)
  const calm = await mean(calmly)
  const attacked = await mean(attackWith(PER_HONEST))
  const flooded = await mean(attackWith(FLOOD))
  await auth.close()
  report.figure('cache', 'hit rate under attack / calm', {
    value: attacked / calm,
    least: 0.95,
    note: `${percent(attacked)} and ${percent(calm)} of ${HONEST} tokens in turn, ${CACHE_SIZE} remembered; ${PER_HONEST} forged and ${PER_HONEST} one-time tokens for each`,
  })
  report.figure('cache', `hit rate under ${FLOOD} of each / calm`, {
    value: flooded / calm,
    note: 'for information: of tokens that are remembered already; newcomers do not get in then',
  })
}

function percent(share) {
  return `${(100 * share).toFixed(1)} %`
}
