import { createHmac } from 'node:crypto'
import { createKey, createKeyRing, createRescind } from 'rescind'
import { memoryStore } from 'rescind/stores/memory'

export const SECRET = 'a secret of at least thirty-two bytes'
export const REVOCATIONS = 10_000

export const createKeys = () => createKeyRing({ active: createKey(SECRET, { alg: 'HS256' }) })

/** The user of the n-th token. All names are equally long, so that all requests and answers are. */
export const userFor = (n) => `user-${String(n).padStart(7, '0')}`

/** The n-th id that every contender with revocations has revoked. */
export const revokedId = (n) => `revoked-${n}`

/**
 * Signs tokens that the library, @fastify/jwt and flask-jwt-extended all take: each is one that the library issued, with
 * a user and a `jti` of its own. By hand, since there are hundreds of thousands to sign.
 */
export async function signTokens(count) {
  const auth = createRescind({ store: memoryStore(), keys: createKeys(), accessTtlSeconds: 3_600 })
  await auth.ready()
  const { accessToken } = await auth.issue({ sub: userFor(0) })
  await auth.close()
  const [header, payload] = accessToken.split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString())
  return Array.from({ length: count }, (_, n) => {
    const jti = claims.jti.slice(0, -12) + n.toString(16).padStart(12, '0')
    const own = JSON.stringify({ ...claims, sub: userFor(n), jti })
    const input = `${header}.${Buffer.from(own).toString('base64url')}`
    return `${input}.${createHmac('sha256', SECRET).update(input).digest('base64url')}`
  })
}
