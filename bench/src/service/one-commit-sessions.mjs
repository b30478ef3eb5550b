import { createHash, randomUUID } from 'node:crypto'
import { createSigner, createVerifier } from 'fast-jwt'
import { oneCommitPostgres } from './one-commit-postgres.mjs'
import { oneCommitSqlite } from './one-commit-sqlite.mjs'

const ACCESS_SECONDS = 900
const REFRESH_SECONDS = 30 * 86_400

/**
 * Refresh and logout as they are usually written: fast-jwt, and one transaction for each request. What the service is
 * compared with.
 */
export async function oneCommitSessions(place, { privatePem, publicPem }) {
  const store = await (place.startsWith('postgres') ? oneCommitPostgres(place) : oneCommitSqlite(place))
  const signAccess = createSigner({ key: privatePem, algorithm: 'EdDSA', expiresIn: ACCESS_SECONDS * 1_000 })
  const signRefresh = createSigner({ key: privatePem, algorithm: 'EdDSA', expiresIn: REFRESH_SECONDS * 1_000 })
  const verify = createVerifier({ key: publicPem, algorithms: ['EdDSA'] })

  const pair = (sub, sid, refreshJti) => ({
    accessToken: signAccess({ sub, sid, jti: randomUUID(), type: 'access' }),
    refreshToken: signRefresh({ sub, sid, jti: refreshJti, type: 'refresh' }),
  })
  const verified = (token, types) => {
    const claims = verify(token)
    if (!types.includes(claims.type)) throw new Error('a token of the wrong type')
    return claims
  }
  return {
    async refresh(token) {
      const { sub, sid, jti } = verified(token, ['refresh'])
      const nowMs = Date.now()
      const successor = randomUUID()
      const rotated = await store.rotate({
        sid,
        presentedHash: hash(jti),
        successorHash: hash(successor),
        nowMs,
        expiresAtMs: nowMs + REFRESH_SECONDS * 1_000,
      })
      if (!rotated) throw new Error('the refresh token was used before')
      const user = await store.user(sub)
      return { ...pair(sub, sid, successor), sid, user, expiresIn: ACCESS_SECONDS }
    },
    async logOut(token) {
      const { sid } = verified(token, ['access', 'refresh'])
      if (await store.isRevoked(sid)) throw new Error('the session has ended')
      const nowMs = Date.now()
      await store.end({ sid, nowMs, expiresAtMs: nowMs + REFRESH_SECONDS * 1_000 })
    },
    /** Begins sessions of one user, all in one transaction; answers their tokens. */
    async seed(count) {
      const user = { id: randomUUID(), email: 'someone@example.test' }
      const nowMs = Date.now()
      const expiresAtMs = nowMs + REFRESH_SECONDS * 1_000
      const begun = Array.from({ length: count }, () => ({ sid: randomUUID(), jti: randomUUID() }))
      await store.seed(
        user,
        begun.map(({ sid, jti }) => ({ sid, refreshHash: hash(jti), nowMs, expiresAtMs })),
      )
      return begun.map(({ sid, jti }) => pair(user.id, sid, jti))
    },
    close: () => store.close(),
  }
}

function hash(text) {
  return createHash('sha256').update(text).digest('base64url')
}
