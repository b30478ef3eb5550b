import Database from 'better-sqlite3'
import { createKeyRing, generateKey } from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { sqliteStore } from 'rescind/stores/sqlite'
import { describe, expect, it } from 'vitest'
import { openRescind, outcome, payloadOf, verdict } from './helpers.ts'

const stores = { memory: memoryStore, SQLite: () => sqliteStore(new Database(':memory:')) }

for (const [name, store] of Object.entries(stores)) {
  describe(`refresh over ${name}`, () => {
    it('rotates: a new pair of the same session, not fresh, with the claims of the login', async () => {
      const { auth, clock } = await openRescind({ store: store() })
      const first = await auth.issue({ sub: 'alice', claims: { role: 'editor' } })
      clock.advance(60_000)
      const second = await auth.refresh(first.refreshToken)
      expect(second).toMatchObject({ sid: first.sid, sub: 'alice', expiresInSeconds: 900 })
      expect(second.refreshToken).not.toBe(first.refreshToken)
      const principal = await auth.verify(second.accessToken)
      expect(principal).toMatchObject({ sub: 'alice', fresh: false, claims: { role: 'editor' } })
      expect((await auth.verify(first.accessToken)).fresh).toBe(true)
    })

    it('within grace the parent gets the same successor; both tabs go on', async () => {
      const { auth, clock } = await openRescind({ store: store() })
      const { refreshToken } = await auth.issue({ sub: 'alice' })
      const one = await auth.refresh(refreshToken)
      clock.advance(9_999)
      const two = await auth.refresh(refreshToken)
      expect(two.refreshToken).toBe(one.refreshToken)
      expect(await verdict(auth, one.accessToken)).toBe('ok')
      expect(await outcome(auth.refresh(two.refreshToken))).toBe('ok')
    })

    it('20 honest refreshes at once raise no alarm and yield one successor (100 rounds)', async () => {
      const { auth, clock } = await openRescind({ store: store() })
      let { refreshToken } = await auth.issue({ sub: 'alice' })
      for (let round = 0; round < 100; round += 1) {
        const pairs = await Promise.all(Array.from({ length: 20 }, () => auth.refresh(refreshToken)))
        expect(new Set(pairs.map((pair) => pair.refreshToken)).size).toBe(1)
        refreshToken = pairs[0]?.refreshToken ?? ''
        clock.advance(60_000)
      }
    })

    it('after grace, reuse kills the whole session: the thief and the victim', async () => {
      const { auth, clock } = await openRescind({ store: store() })
      const first = await auth.issue({ sub: 'alice' })
      const second = await auth.refresh(first.refreshToken)
      clock.advance(10_000)
      expect(await outcome(auth.refresh(first.refreshToken))).toBe('refresh_token_reused')
      expect(await verdict(auth, second.accessToken)).toBe('token_revoked')
      expect(await outcome(auth.refresh(second.refreshToken))).toBe('token_revoked')
      expect(await outcome(auth.refresh(first.refreshToken))).toBe('token_revoked')
    })

    it('grace 0 takes any second use for theft', async () => {
      const { auth } = await openRescind({ store: store(), refreshGraceMs: 0 })
      const { refreshToken } = await auth.issue({ sub: 'alice' })
      await auth.refresh(refreshToken)
      expect(await outcome(auth.refresh(refreshToken))).toBe('refresh_token_reused')
    })

    it('a clock that jumps back does not reopen the window', async () => {
      const { auth, clock } = await openRescind({ store: store(), clockToleranceMs: 600_000 })
      const { refreshToken } = await auth.issue({ sub: 'alice' })
      clock.advance(500_000)
      await auth.refresh(refreshToken)
      clock.jump(clock.now() - 300_000)
      expect(await outcome(auth.refresh(refreshToken))).toBe('refresh_token_reused')
    })

    it('an endless chain of refreshes stops at the end of the session', async () => {
      const { auth, clock } = await openRescind({
        store: store(),
        refreshTtlSeconds: 86_400,
        sessionTtlSeconds: 259_200,
      })
      let pair = await auth.issue({ sub: 'alice' })
      for (let hour = 0; hour < 71; hour += 1) {
        clock.advance(3_600_000)
        pair = await auth.refresh(pair.refreshToken)
      }
      expect(pair.refreshExpiresInSeconds).toBe(3_600)
      clock.advance(3_600_000)
      expect(await outcome(auth.refresh(pair.refreshToken))).toBe('token_expired')
    })

    it('an access token is no refresh token', async () => {
      const { auth } = await openRescind({ store: store() })
      const { accessToken } = await auth.issue({ sub: 'alice' })
      expect(await outcome(auth.refresh(accessToken))).toBe('wrong_token_type')
    })

    it('a logout that races a refresh leaves nothing alive (200 rounds)', async () => {
      const { auth } = await openRescind({ store: store() })
      for (let round = 0; round < 200; round += 1) {
        const { refreshToken, sid } = await auth.issue({ sub: 'alice' })
        const refreshing = auth.refresh(refreshToken).catch(() => null)
        const [pair] = await Promise.all([refreshing, auth.revoke.session(sid)])
        if (pair === null) continue
        expect(await verdict(auth, pair.accessToken)).toBe('token_revoked')
        expect(await outcome(auth.refresh(pair.refreshToken))).toBe('token_revoked')
      }
    })

    it('a log-out-everywhere that races 50 refreshes of 20 sessions leaves no survivor', async () => {
      const { auth } = await openRescind({ store: store() })
      const pairs = await Promise.all(Array.from({ length: 20 }, () => auth.issue({ sub: 'alice' })))
      const refreshing = Array.from({ length: 50 }, (_, n) =>
        auth.refresh(pairs[n % 20]?.refreshToken ?? '').catch(() => null),
      )
      const [refreshed] = await Promise.all([Promise.all(refreshing), auth.revoke.subject('alice')])
      for (const pair of [...pairs, ...refreshed.filter((each) => each !== null)]) {
        expect(await verdict(auth, pair.accessToken)).toBe('token_revoked')
        expect(await verdict(auth, pair.refreshToken, 'refresh')).toBe('token_revoked')
      }
    })
  })
}

describe('refresh', () => {
  it('with a randomised signature the successor is the same by its id', async () => {
    const { auth } = await openRescind({ keys: createKeyRing({ active: generateKey('ES256') }) })
    const { refreshToken } = await auth.issue({ sub: 'alice' })
    const [one, two] = await Promise.all([auth.refresh(refreshToken), auth.refresh(refreshToken)])
    expect(payloadOf(two.refreshToken)).toEqual(payloadOf(one.refreshToken))
  })

  it('a SQLite database holds neither a token nor the id of a refresh token', async () => {
    const database = new Database(':memory:')
    const { auth } = await openRescind({ store: sqliteStore(database) })
    const first = await auth.issue({ sub: 'alice' })
    const second = await auth.refresh(first.refreshToken)
    const dump = JSON.stringify(database.prepare('SELECT * FROM rescind_sessions').all())
    for (const pair of [first, second]) {
      expect(dump).not.toContain(payloadOf(pair.refreshToken).jti)
      expect(dump).not.toContain(pair.refreshToken.split('.')[2])
    }
    expect(dump).toContain(first.sid)
  })
})
