import { createKeyRing, createRescind, generateKey } from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { headerOf, principalOf } from '../requests.mjs'

const keys = createKeyRing({ active: generateKey('HS256') })

/** What each remembered token adds to the memory of a process. Needs --expose-gc. */
export async function measureMemory({ quick, report }) {
  const count = quick ? 10_000 : 50_000
  const issuer = await open(count)
  // The tokens wait outside the heap: what is found on it later is the cache's.
  const { bytes, lengths } = await issueTokens(issuer, count)
  const pass = (over) => {
    const claims = []
    let at = 0
    for (const length of lengths) {
      claims.push(principalOf(over, headerOf(bytes.latin1Slice(at, at + length))).claims)
      at += length
    }
    return claims
  }
  // Compiles what the measurement runs.
  pass(await open(count))
  const before = memoryInUse()
  const auth = await open(count)
  // Thrice, should a cache take in only what it sees again.
  for (let sight = 0; sight < 3; sight += 1) pass(auth)
  const taken = memoryInUse() - before
  const claims = pass(auth)
  const remembered = pass(auth).filter((found, n) => found === claims[n]).length
  report.figure('cache', 'bytes for each token', {
    value: taken / remembered,
    most: 1_024,
    note: `${remembered} of ${count} tokens remembered, of ${Math.round(bytes.length / count)} characters, those included`,
  })
}

async function open(count) {
  const auth = createRescind({ store: memoryStore(), keys, verifiedTokenCacheSize: 2 * count })
  await auth.ready()
  return auth
}

async function issueTokens(issuer, count) {
  const texts = []
  for (let n = 0; n < count; n += 1) texts.push((await issuer.issue({ sub: `user-${n}` })).accessToken)
  return { bytes: Buffer.from(texts.join('')), lengths: Uint32Array.from(texts, (text) => text.length) }
}

function memoryInUse() {
  for (let turn = 0; turn < 4; turn += 1) globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
