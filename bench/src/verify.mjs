import { createPublicKey } from 'node:crypto'
import { createVerifier } from 'fast-jwt'
import { jwtVerify } from 'jose'
import { createKey, createKeyRing, createRescind, generateKey } from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { interleave } from './interleave.mjs'

const TOKENS = 1_000
const REVOCATIONS = 10_000

/** Checking one request's token, revocation included, against libraries that check none. */
export async function verify() {
  const rows = []
  for (const alg of ['HS256', 'EdDSA', 'ES256', 'RS256']) rows.push(...(await measureAlgorithm(alg)))
  process.stdout.write(`\nverify: median ns per token (${REVOCATIONS} live revocations; the peers check none)\n`)
  for (const row of rows) process.stdout.write(`  ${row}\n`)
}

async function measureAlgorithm(alg) {
  const key = alg === 'HS256' ? createKey('a secret of at least thirty-two bytes', { alg }) : generateKey(alg)
  const keys = createKeyRing({ active: key })
  const open = async (verifiedTokenCacheSize) => {
    const auth = createRescind({ store: memoryStore(), keys, verifiedTokenCacheSize })
    await auth.ready()
    return auth
  }
  const auth = await open(10_000)
  const uncached = await open(0)
  const jwk = key.publicJwk() ?? key.privateJwk()
  const peerKey = alg === 'HS256' ? 'a secret of at least thirty-two bytes' : pemOf(jwk)
  const fastUncached = createVerifier({ key: peerKey, algorithms: [alg] })
  const fastCached = createVerifier({ key: peerKey, algorithms: [alg], cache: 10_000 })
  const joseKey = alg === 'HS256' ? Buffer.from(peerKey) : createPublicKey({ key: jwk, format: 'jwk' })

  const tokens = []
  for (let n = 0; n < TOKENS; n += 1) tokens.push((await auth.issue({ sub: `user-${n}` })).accessToken)
  for (let n = 0; n < REVOCATIONS; n += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, m) => auth.revoke.token({ jti: `revoked-${n + m}` })))
  }
  let at = 0
  const nextHeader = () => `Bearer ${tokens[at++ % TOKENS]}`
  const next = () => nextHeader().slice(7)
  const guarded = (library) => () => {
    const header = nextHeader()
    const decision = library.check({ method: 'GET', header: (name) => (name === 'authorization' ? header : undefined) })
    if (!decision.ok) throw decision.error
  }
  const times = await interleave({
    'rescind warm': guarded(auth),
    'rescind cold': guarded(uncached),
    'fast-jwt cached': () => fastCached(next()),
    'fast-jwt': () => fastUncached(next()),
    jose: () => jwtVerify(next(), joseKey, { algorithms: [alg] }),
  })
  await Promise.all([auth.close(), uncached.close()])
  const warm = times['rescind warm']
  const ratio = (name, peer) => (times[name] / times[peer]).toFixed(2)
  return [
    `${alg.padEnd(6)} ${Object.entries(times)
      .map(([name, ns]) => `${name} ${Math.round(ns)}`)
      .join(' · ')}`,
    `       warm / fast-jwt cached ${ratio('rescind warm', 'fast-jwt cached')} · warm / jose ${(warm / times.jose).toFixed(3)} · cold / fast-jwt ${ratio('rescind cold', 'fast-jwt')}`,
  ]
}

function pemOf(jwk) {
  return createPublicKey({ key: jwk, format: 'jwk' }).export({ format: 'pem', type: 'spki' })
}
