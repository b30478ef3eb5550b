import Database from 'better-sqlite3'
import { createRescind, type Principal, type Rescind, type TokenPair } from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { sqliteStore } from 'rescind/stores/sqlite'
import { createFakeClock } from 'rescind/testing'
import { describe, expect, it } from 'vitest'
import { keys, openRescind, outcome, payloadOf, requestWith, verdict } from './helpers.ts'

describe('revoke', () => {
  it('a token: that one dies, its sibling lives', async () => {
    const { auth } = await openRescind()
    const one = await auth.issue({ sub: 'alice' })
    const two = await auth.issue({ sub: 'alice' })
    const { jti, expiresAtMs } = await auth.verify(one.accessToken)
    await auth.revoke.token({ jti, expiresAtMs })
    expect(await verdict(auth, one.accessToken)).toBe('token_revoked')
    expect(await verdict(auth, one.refreshToken, 'refresh')).toBe('ok')
    expect(await verdict(auth, two.accessToken)).toBe('ok')
  })

  it('what routes that skip revocation let pass, and no others', async () => {
    const { auth } = await openRescind()
    const { accessToken, sid } = await auth.issue({ sub: 'alice' })
    await auth.revoke.session(sid)
    const codes: (string | true)[] = []
    for (const skipRevocation of [undefined, false, true]) {
      const decision = await auth.check(requestWith(accessToken), { skipRevocation })
      codes.push(decision.ok || decision.error.code)
    }
    expect(codes).toEqual(['token_revoked', 'token_revoked', true])
  })

  it('a token that passed before and after others died is refused once it is revoked, whichever way', async () => {
    const ways: ((auth: Rescind, ids: Principal) => Promise<unknown>)[] = [
      (auth, { jti, expiresAtMs }) => auth.revoke.token({ jti, expiresAtMs }),
      (auth, { sid = '' }) => auth.revoke.session(sid),
      (auth, { sub }) => auth.revoke.subject(sub),
      (auth) => auth.revoke.everything(),
    ]
    for (const way of ways) {
      const { auth } = await openRescind()
      const { accessToken } = await auth.issue({ sub: 'alice' })
      for (const other of ['bob', 'carol']) {
        expect(await verdict(auth, accessToken)).toBe('ok')
        await auth.revoke.session((await auth.issue({ sub: other })).sid)
      }
      await way(auth, await auth.verify(accessToken))
      for (let again = 0; again < 3; again += 1) expect(await verdict(auth, accessToken)).toBe('token_revoked')
    }
  })

  it('a session: its access and refresh tokens die, old and rotated', async () => {
    const { auth, clock } = await openRescind()
    const first = await auth.issue({ sub: 'alice' })
    const other = await auth.issue({ sub: 'alice' })
    clock.advance(60_000)
    const second = await auth.refresh(first.refreshToken)
    await auth.revoke.session(first.sid)
    for (const pair of [first, second]) {
      expect(await verdict(auth, pair.accessToken)).toBe('token_revoked')
      expect(await verdict(auth, pair.refreshToken, 'refresh')).toBe('token_revoked')
    }
    expect(await verdict(auth, other.accessToken)).toBe('ok')
    expect(await auth.sessions.get(first.sid)).toBeNull()
  })

  it('a subject: every token issued up to then dies; one minted a millisecond later lives', async () => {
    const { auth, clock } = await openRescind()
    const before = await auth.issue({ sub: 'alice' })
    const bystander = await auth.issue({ sub: 'bob' })
    expect(await auth.revoke.subject('alice')).toBe(1)
    clock.advance(1)
    const after = await auth.issue({ sub: 'alice' })
    expect(await verdict(auth, before.accessToken)).toBe('token_revoked')
    expect(await verdict(auth, after.accessToken)).toBe('ok')
    expect(await verdict(auth, bystander.accessToken)).toBe('ok')
  })

  it('a subject but for one session: that one lives', async () => {
    const { auth } = await openRescind()
    const kept = await auth.issue({ sub: 'alice' })
    const lost = await auth.issue({ sub: 'alice' })
    expect(await auth.revoke.subject('alice', { except: kept.sid })).toBe(1)
    expect(await verdict(auth, kept.accessToken)).toBe('ok')
    expect(await verdict(auth, lost.accessToken)).toBe('token_revoked')
    expect((await auth.sessions.list('alice')).sessions.map((session) => session.sid)).toEqual([kept.sid])
  })

  it('a subject: a session on a machine whose clock runs ahead dies too', async () => {
    const { auth, clock } = await openRescind()
    clock.jump(clock.now() + 1_500)
    const ahead = await auth.issue({ sub: 'alice' })
    clock.jump(clock.now() - 1_500)
    await auth.revoke.subject('alice')
    expect(await verdict(auth, ahead.accessToken)).toBe('token_revoked')
  })

  it('everything: whoever it is', async () => {
    const { auth, clock } = await openRescind()
    const before = [await auth.issue({ sub: 'alice' }), await auth.issue({ sub: 'bob' })]
    await auth.revoke.everything({ by: 'ops', reason: 'leaked key' })
    clock.advance(1)
    const after = await auth.issue({ sub: 'alice' })
    for (const { accessToken } of before) expect(await verdict(auth, accessToken)).toBe('token_revoked')
    expect(await verdict(auth, after.accessToken)).toBe('ok')
  })

  it('a clock that leaps a day ahead and back revives nothing', async () => {
    const { auth, clock } = await openRescind()
    const { accessToken, sid } = await auth.issue({ sub: 'alice' })
    await auth.revoke.session(sid)
    const now = clock.now()
    clock.jump(now + 86_400_000)
    expect(await verdict(auth, accessToken)).toBe('token_expired')
    clock.jump(now)
    expect(await verdict(auth, accessToken)).toBe('token_revoked')
  })

  it('takes no id that a store could not hold, and says so', async () => {
    const { auth } = await openRescind()
    await expect(auth.revoke.session('')).rejects.toMatchObject({ code: 'invalid_config' })
    await expect(auth.revoke.session('x'.repeat(513))).rejects.toMatchObject({ code: 'invalid_config' })
    await expect(auth.revoke.subject('alice', { before: Number.NaN })).rejects.toMatchObject({ code: 'invalid_config' })
  })
})

describe('revocation against refresh and login', () => {
  it('everything: 50 refreshes in flight leave no survivor, over either store', async () => {
    for (const store of [memoryStore(), sqliteStore(new Database(':memory:'))]) {
      const { auth } = await openRescind({ store })
      const pairs = await Promise.all(Array.from({ length: 50 }, (_, n) => auth.issue({ sub: `user-${n}` })))
      const refreshing = pairs.map((pair) => auth.refresh(pair.refreshToken).catch(() => null))
      await auth.revoke.everything()
      for (const pair of await Promise.all(refreshing)) {
        if (pair !== null) expect(await verdict(auth, pair.accessToken)).toBe('token_revoked')
        if (pair !== null) expect(await verdict(auth, pair.refreshToken, 'refresh')).toBe('token_revoked')
      }
      for (const pair of pairs) expect(await verdict(auth, pair.accessToken)).toBe('token_revoked')
    }
  })

  it('a refresh at a process that has not heard yet is refused by the store', async () => {
    const store = memoryStore()
    // A feed that never delivers: this process knows only what it asks.
    const deaf = { ...store.ledger, follow: () => new Promise<void>(() => {}) }
    const clock = createFakeClock()
    const there = createRescind({
      store: { ...store, ledger: deaf, guarantees: { durable: false, shared: true } },
      keys,
      clock,
    })
    await there.ready()
    const { auth } = await openRescind({ store })
    for (const revoke of [
      (pair: TokenPair) => auth.revoke.token({ jti: String(payloadOf(pair.refreshToken).jti) }),
      () => auth.revoke.subject('alice'),
      () => auth.revoke.everything(),
    ]) {
      clock.advance(10)
      const pair = await there.issue({ sub: 'alice' })
      await revoke(pair)
      expect(await outcome(there.refresh(pair.refreshToken))).toBe('token_revoked')
    }
  })

  it('a login in the same millisecond as log-out-everywhere comes after it', async () => {
    const { auth } = await openRescind()
    for (let round = 0; round < 20; round += 1) {
      const before = await auth.issue({ sub: 'alice' })
      await auth.revoke.subject('alice')
      if (round % 5 === 0) await auth.revoke.everything()
      const after = await auth.issue({ sub: 'alice' })
      expect(await verdict(auth, before.accessToken)).toBe('token_revoked')
      expect(await verdict(auth, after.accessToken)).toBe('ok')
    }
  })

  it('a token is not accepted that would outlive its revocation', async () => {
    const store = memoryStore()
    const long = await openRescind({ store, accessTtlSeconds: 5_184_000, refreshTtlSeconds: 5_184_000 })
    const { accessToken } = await long.auth.issue({ sub: 'alice' })
    expect(await verdict(long.auth, accessToken)).toBe('ok')
    const { auth } = await openRescind({ store, accessTtlSeconds: 60, refreshTtlSeconds: 300 })
    expect(await verdict(auth, accessToken)).toBe('token_invalid')
  })

  it('a revocation outlives the tokens of a configuration that was longer', async () => {
    const store = memoryStore()
    const before = await openRescind({ store, accessTtlSeconds: 86_400 })
    const { accessToken, sid } = await before.auth.issue({ sub: 'alice' })
    const { auth, clock } = await openRescind({ store, accessTtlSeconds: 60, refreshTtlSeconds: 300 })
    await auth.revoke.session(sid)
    clock.advance(80_000_000)
    await store.ledger.prune(clock.now(), 100)
    const third = await openRescind({ store })
    expect(await verdict(third.auth, accessToken)).toBe('token_revoked')
  })

  it.each(['', 'x'.repeat(513), 'q\ud800'])('no session is started for the unusable sub %j', async (sub) => {
    const { auth } = await openRescind()
    await expect(auth.issue({ sub })).rejects.toMatchObject({ code: 'invalid_config' })
  })
})
