import { generateKeyPairSync } from 'node:crypto'
import { type Algorithm, createKey, createKeyRing, createRescind, type JsonObject } from 'rescind'
import { createFlaskJwt, fromFlaskConfig } from 'rescind/compat/flask-jwt-extended'
import { memoryStore } from 'rescind/stores/memory'
import { expect, it, onTestFinished } from 'vitest'
import { ask, bearer, payloadOf, SECRET } from './support/flask.ts'
import { askPyJwt, type Question } from './support/pyjwt.ts'

interface Pair {
  readonly alg: Algorithm
  readonly signing: string
  readonly verifying: string
}

const pem = (pair: ReturnType<typeof generateKeyPairSync>) => ({
  signing: String(pair.privateKey.export({ format: 'pem', type: 'pkcs8' })),
  verifying: String(pair.publicKey.export({ format: 'pem', type: 'spki' })),
})

const pairs: readonly Pair[] = [
  { alg: 'HS256', signing: SECRET, verifying: SECRET },
  { alg: 'RS256', ...pem(generateKeyPairSync('rsa', { modulusLength: 3072 })) },
  { alg: 'ES256', ...pem(generateKeyPairSync('ec', { namedCurve: 'P-256' })) },
  { alg: 'EdDSA', ...pem(generateKeyPairSync('ed25519')) },
]

const openCompat = ({ alg, signing, verifying }: Pair) =>
  createFlaskJwt<unknown, string>(
    fromFlaskConfig(
      alg === 'HS256'
        ? { JWT_SECRET_KEY: signing }
        : { JWT_ALGORITHM: alg, JWT_PRIVATE_KEY: signing, JWT_PUBLIC_KEY: verifying },
    ),
  )

async function openNative({ alg, signing }: Pair) {
  const auth = createRescind({
    store: memoryStore(),
    keys: createKeyRing({ active: createKey(signing, { alg, kid: 'one' }) }),
    allowVolatile: true,
  })
  onTestFinished(() => auth.close())
  await auth.ready()
  return auth
}

/** The claims that flask-jwt-extended writes. */
function flaskClaims(type: string): JsonObject {
  const now = Math.floor(Date.now() / 1000)
  return { fresh: true, iat: now, nbf: now, exp: now + 600, jti: `${type}-1`, type, sub: 'alice', rôle: 'Zoë 😀' }
}

it('verifies what PyJWT signed, in the compat module and in the library', async () => {
  const orders = pairs.flatMap((pair) => [
    { pair, claims: flaskClaims('access'), headers: {} },
    { pair, claims: flaskClaims('refresh'), headers: { kid: 'one' } },
  ])
  const tokens = askPyJwt<string>(
    orders.map(
      ({ pair, claims, headers }): Question => ({
        ask: 'encode',
        claims,
        headers,
        key: pair.signing,
        algorithm: pair.alg,
      }),
    ),
  )
  for (const [index, { pair, claims }] of orders.entries()) {
    const token = tokens[index] ?? ''
    const type = claims.type === 'refresh' ? 'refresh' : 'access'
    const compat = await ask(openCompat(pair), bearer(token), { refresh: type === 'refresh' })
    expect(compat, pair.alg).toMatchObject({ principal: { identity: 'alice', claims } })
    const native = await (await openNative(pair)).verify(token, { type, fresh: true })
    expect(native, pair.alg).toMatchObject({ sub: 'alice', type, claims })
  }
})

it('signs what PyJWT verifies, in the compat module and in the library', async () => {
  const orders: { pair: Pair; token: string }[] = []
  for (const pair of pairs) {
    const compat = openCompat(pair)
    const { accessToken, refreshToken } = await (await openNative(pair)).issue({
      sub: 'alice',
      claims: { rôle: 'Zoë 😀' },
    })
    const own = await compat.createAccessToken('alice', { additionalClaims: { rôle: 'Zoë 😀' }, fresh: { minutes: 5 } })
    const endless = await compat.createRefreshToken('alice', { expiresDelta: false })
    orders.push(...[own, endless, accessToken, refreshToken].map((token) => ({ pair, token })))
  }
  const payloads = askPyJwt<JsonObject>(
    orders.map(
      ({ pair, token }): Question => ({
        ask: 'decode',
        token,
        leeway: 0,
        key: pair.verifying,
        algorithms: [pair.alg],
      }),
    ),
  )
  for (const [index, { pair, token }] of orders.entries()) {
    expect(payloads[index], pair.alg).toEqual(payloadOf(token))
    expect(payloads[index]).toMatchObject({ sub: 'alice' })
  }
})

it('refuses what PyJWT signed with another key, and PyJWT what we signed', async () => {
  const others: Question[] = pairs.map(({ alg }) => {
    const other = {
      HS256: () => `${SECRET}-other`,
      RS256: () => pem(generateKeyPairSync('rsa', { modulusLength: 2048 })).signing,
      ES256: () => pem(generateKeyPairSync('ec', { namedCurve: 'P-256' })).signing,
      EdDSA: () => pem(generateKeyPairSync('ed25519')).signing,
    }[String(alg)]
    return { ask: 'encode', claims: flaskClaims('access'), key: other?.() ?? '', algorithm: alg }
  })
  const foreign = askPyJwt<string>(others)
  const own: Question[] = []
  for (const [index, pair] of pairs.entries()) {
    expect(await ask(openCompat(pair), bearer(foreign[index] ?? '')), pair.alg).toMatchObject({
      status: 422,
      body: { msg: 'Signature verification failed' },
    })
    const token = await openCompat(pair).createAccessToken('alice')
    const flipped = token.replace(/\.[^.]+\./, `.${Buffer.from('{"sub":"mallory"}').toString('base64url')}.`)
    own.push({ ask: 'words', token: flipped, key: pair.verifying, algorithms: [pair.alg] })
  }
  expect(new Set(askPyJwt<string>(own))).toEqual(new Set(['Signature verification failed']))
})
