import { createKeyRing, createRescind, generateKey } from 'rescind'
import { interleave } from '../interleave.mjs'
import { headerOf, inTurn, principalOf, tokenIn } from '../requests.mjs'
import { createPeers } from './peers.mjs'
import { openStore } from './revocations.mjs'

const WARM_TOKENS = 1_000
// A token is new as long as it is not remembered when its turn comes again. A cache may keep what others push out, so only
// a hundredth of these tokens fits.
const COLD_TOKENS = 10_000
const COLD_TOKENS_QUICK = 1_000
const REMEMBERED_SHARE = 0.01

/** One algorithm, over the revocations in the database at `place`: tokens that were seen before (warm), and tokens that are all new (cold). */
export async function measureChecks({ alg, place, quick, report }) {
  const { store, close } = openStore(place)
  const key = generateKey(alg)
  const keys = createKeyRing({ active: key })
  const open = async (verifiedTokenCacheSize) => {
    // What is measured here leaves the event loop no turn for seconds, in which nobody can say that memory is current.
    const auth = createRescind({ store, keys, verifiedTokenCacheSize, maxStalenessMs: 600_000 })
    await auth.ready()
    return auth
  }
  const coldTokens = quick ? COLD_TOKENS_QUICK : COLD_TOKENS
  const [warm, cold, uncached] = [await open(10_000), await open(coldTokens * REMEMBERED_SHARE), await open(0)]
  const { fastJwt, fastJwtCached, jose, bare } = await createPeers(alg, key)
  const tokens = await mintTokens(warm, WARM_TOKENS)
  const newTokens = await mintTokens(warm, coldTokens)
  const liveRecords = warm.status().liveRecords

  // Each contender has a turn of its own: none gets a token that another one has just brought into the processor's caches.
  const over = (list, work) => {
    const next = inTurn(list)
    return () => work(headerOf(next()))
  }
  const forPeer = (peer) => (header) => peer(tokenIn(header))
  // Thrice, should a cache take in only what it sees again.
  for (let sight = 0; sight < 3; sight += 1) {
    for (const token of tokens) {
      principalOf(warm, headerOf(token))
      fastJwtCached(token)
    }
  }
  const known = new Map(tokens.map((token) => [token, token]))
  const ofWarm = await interleave(
    {
      'rescind warm': over(tokens, (header) => principalOf(warm, header)),
      'fast-jwt cached': over(tokens, forPeer(fastJwtCached)),
      'fast-jwt': over(tokens, forPeer(fastJwt)),
      jose: over(tokens, forPeer(jose)),
      'a Map lookup': over(tokens, (header) => known.get(tokenIn(header))),
    },
    { quick },
  )
  const ofCold = await interleave(
    {
      'rescind cold': over(newTokens, (header) => principalOf(cold, header)),
      'rescind without cache': over(newTokens, (header) => principalOf(uncached, header)),
      'fast-jwt': over(newTokens, forPeer(fastJwt)),
      jose: over(newTokens, forPeer(jose)),
      [bareName(alg)]: over(newTokens, forPeer(bare)),
    },
    { quick },
  )
  const hits = countHits(cold, newTokens)
  const remembered = countHits(warm, tokens)
  await Promise.all([warm.close(), cold.close(), uncached.close()])
  close()
  if (hits > 2 * REMEMBERED_SHARE * coldTokens) throw new Error(`${hits} of ${coldTokens} "new" tokens were remembered`)

  report.measured(`${alg}, a token seen before`, 'ns', ofWarm.times)
  report.measured(`${alg}, a new token`, 'ns', ofCold.times)
  const note = `${liveRecords.toLocaleString('en-US')} live revocations; ${remembered} of ${WARM_TOKENS} tokens remembered`
  const warmTo = (peer) => ofWarm.ratio('rescind warm', peer)
  const coldTo = (peer) => ofCold.ratio('rescind cold', peer)
  const isHmac = alg === 'HS256'
  report.figure(alg, 'warm / fast-jwt cached', { value: warmTo('fast-jwt cached'), most: 0.35, note })
  report.figure(alg, 'warm / fast-jwt', { value: warmTo('fast-jwt'), ...(isHmac ? { most: 0.15 } : {}) })
  report.figure(alg, 'warm / jose', { value: warmTo('jose'), ...(isHmac ? {} : { most: 0.02 }) })
  report.figure(alg, `warm / a Map lookup of ${tokens[0].length} characters`, { value: warmTo('a Map lookup') })
  report.figure(alg, 'cold / fast-jwt', { value: coldTo('fast-jwt'), ...(isHmac ? { most: 0.8 } : {}) })
  report.figure(alg, `cold / ${bareName(alg)}`, { value: coldTo(bareName(alg)), ...(isHmac ? {} : { most: 1.05 }) })
}

function bareName(alg) {
  return alg === 'HS256' ? 'HMAC + JSON.parse' : 'crypto.verify + JSON.parse'
}

async function mintTokens(auth, count) {
  const tokens = []
  for (let n = 0; n < count; n += 1) tokens.push(await auth.mint({ sub: `user-${n}` }))
  return tokens
}

/** How many tokens are still known when their turn comes again: what is remembered has the same claims, not equal ones. */
function countHits(auth, tokens) {
  const claims = tokens.map((token) => principalOf(auth, headerOf(token)).claims)
  return tokens.filter((token, n) => principalOf(auth, headerOf(token)).claims === claims[n]).length
}
