import { memoryStore } from 'rescind/stores/memory'
import { eventually } from 'rescind/testing'
import { describe, expect, it } from 'vitest'
import { openRescind } from '../session/helpers.ts'

describe('principal.revoked', () => {
  it('is made only when it is looked at, and is the same one ever after', async () => {
    const { auth } = await openRescind()
    const principal = await auth.verify((await auth.issue({ sub: 'alice' })).accessToken)
    expect(auth.status().watchedTokens).toBe(0)
    const { revoked } = principal
    expect(revoked.aborted).toBe(false)
    expect(principal.revoked).toBe(revoked)
    expect(auth.status().watchedTokens).toBe(1)
  })

  it.each([
    ['token', (auth: Auth, who: Who) => auth.revoke.token({ jti: who.jti })],
    ['session', (auth: Auth, who: Who) => auth.revoke.session(who.sid)],
    ['subject', (auth: Auth, who: Who) => auth.revoke.subject(who.sub)],
    ['everything', (auth: Auth) => auth.revoke.everything()],
  ])('fires at a revocation of kind %s, and for no neighbour but with everything', async (kind, revoke) => {
    const { auth, clock } = await openRescind()
    const [alice, bob] = await Promise.all(
      ['alice', 'bob'].map(async (sub) => auth.verify((await auth.issue({ sub })).accessToken)),
    )
    if (alice === undefined || bob === undefined) throw new Error('not issued')
    const signals = { alice: alice.revoked, bob: bob.revoked }
    clock.advance(1)
    await revoke(auth, { jti: alice.jti, sid: alice.sid ?? '', sub: alice.sub })
    expect(signals.alice.aborted).toBe(true)
    expect(signals.alice.reason).toMatchObject({ code: 'token_revoked' })
    expect(signals.bob.aborted).toBe(kind === 'everything')
    expect(auth.status().watchedTokens).toBe(kind === 'everything' ? 0 : 1)
  })

  it('spares the session that a log-out-everywhere spares, and a login after it', async () => {
    const { auth, clock } = await openRescind()
    const kept = await auth.verify((await auth.issue({ sub: 'alice' })).accessToken)
    const gone = await auth.verify((await auth.issue({ sub: 'alice' })).accessToken)
    const signals = [kept.revoked, gone.revoked]
    await auth.revoke.subject('alice', { except: kept.sid })
    const later = await auth.verify((await auth.issue({ sub: 'alice' })).accessToken)
    expect([...signals, later.revoked].map((signal) => signal.aborted)).toEqual([false, true, false])
    expect(clock.now()).toBeGreaterThan(0)
  })

  it('has fired already when the token died between the check and the first look', async () => {
    const { auth } = await openRescind()
    const principal = await auth.verify((await auth.issue({ sub: 'alice' })).accessToken)
    await auth.revoke.session(principal.sid ?? '')
    expect(principal.revoked.aborted).toBe(true)
  })

  it('fires when the token expires', async () => {
    const { auth, clock } = await openRescind({ accessTtlSeconds: 1 })
    const principal = await auth.verify((await auth.issue({ sub: 'alice' })).accessToken)
    clock.advance(999)
    const { revoked } = principal
    expect(revoked.aborted).toBe(false)
    clock.advance(1)
    await eventually(() => revoked.aborted)
    expect(revoked.reason).toMatchObject({ code: 'token_expired' })
  })

  it('fires for what another process revoked', async () => {
    const store = memoryStore()
    const [here, there] = [await openRescind({ store }), await openRescind({ store })]
    const { accessToken, sid } = await here.auth.issue({ sub: 'alice' })
    const { revoked } = await there.auth.verify(accessToken)
    await here.auth.revoke.session(sid)
    await eventually(() => revoked.aborted)
  })
})

type Auth = Awaited<ReturnType<typeof openRescind>>['auth']
interface Who {
  readonly jti: string
  readonly sid: string
  readonly sub: string
}
