import { describe, expect, it } from 'vitest'
import { openRescind, outcome, payloadOf, requestWith, verdict } from './helpers.ts'

describe('freshness', () => {
  const demands = async (auth: Awaited<ReturnType<typeof openRescind>>['auth'], token: string, options: object) => {
    const decision = await auth.check(requestWith(token), options)
    return decision.ok ? 'ok' : decision.error.code
  }

  it('lasts as long as the token, or for as many seconds as the login says', async () => {
    const { auth, clock } = await openRescind()
    const always = (await auth.issue({ sub: 'alice' })).accessToken
    const briefly = (await auth.issue({ sub: 'alice', fresh: 60 })).accessToken
    const never = (await auth.issue({ sub: 'alice', fresh: false })).accessToken
    expect(await demands(auth, briefly, { fresh: true })).toBe('ok')
    clock.advance(60_000)
    expect(await demands(auth, always, { fresh: true })).toBe('ok')
    expect(await demands(auth, briefly, { fresh: true })).toBe('fresh_token_required')
    expect(await demands(auth, never, { fresh: true })).toBe('fresh_token_required')
    expect((await auth.verify(briefly)).fresh).toBe(false)
    expect(await outcome(auth.issue({ sub: 'alice', fresh: -1 }))).toBe('invalid_config')
  })

  it('comes back with a step-up, to the same session, with its claims', async () => {
    const { auth, clock } = await openRescind()
    const first = await auth.issue({ sub: 'alice', claims: { role: 'editor' } })
    clock.advance(120_000)
    const { accessToken } = await auth.refresh(first.refreshToken)
    const principal = await auth.verify(accessToken)
    expect(principal).toMatchObject({
      fresh: false,
      authenticatedAtMs: Math.floor(clock.now() / 1000) * 1000 - 120_000,
    })
    expect(await demands(auth, accessToken, { maxAuthAgeSeconds: 120 })).toBe('ok')
    clock.advance(1_000)
    expect(await demands(auth, accessToken, { maxAuthAgeSeconds: 120 })).toBe('fresh_token_required')

    const stepped = await auth.stepUp(principal, 30)
    expect(payloadOf(stepped)).toMatchObject({ sid: first.sid, role: 'editor', type: 'access' })
    expect(await demands(auth, stepped, { fresh: true, maxAuthAgeSeconds: 5 })).toBe('ok')
    clock.advance(30_000)
    expect(await demands(auth, stepped, { fresh: true })).toBe('fresh_token_required')
    expect(await verdict(auth, stepped)).toBe('ok')
    await auth.revoke.session(first.sid)
    expect(await verdict(auth, stepped)).toBe('token_revoked')
    expect(await outcome(auth.stepUp(principal))).toBe('token_revoked')
  })

  it('a token that does not tell when its user logged in is too old for any age', async () => {
    const { auth } = await openRescind()
    const token = await auth.mint({ sub: 'alice', fresh: true })
    expect(await demands(auth, token, { fresh: true })).toBe('ok')
    expect(await demands(auth, token, { maxAuthAgeSeconds: 1e9 })).toBe('fresh_token_required')
    expect(await outcome(auth.stepUp(await auth.verify(token)))).toBe('token_invalid')
  })
})

describe('a token without a session', () => {
  it('is minted with the life that is asked for, and revoked by its id or with its user', async () => {
    const { auth, clock } = await openRescind()
    const one = await auth.mint({ sub: 'alice', ttlSeconds: 5 })
    const two = await auth.mint({ sub: 'alice', type: 'refresh', claims: { refresh: true } })
    expect(payloadOf(one)).toMatchObject({ sub: 'alice', type: 'access', fresh: false })
    expect(payloadOf(one)).not.toHaveProperty('sid')
    const { jti, sub, issuedAtMs: iatMs } = await auth.verify(one)
    expect(await auth.isRevoked({ jti, sid: undefined, sub, iatMs })).toBe(false)
    await auth.revoke.token({ jti })
    expect(await auth.isRevoked({ jti, sid: undefined, sub, iatMs })).toBe(true)
    expect(await verdict(auth, one)).toBe('token_revoked')
    expect(await verdict(auth, two, 'refresh')).toBe('ok')
    // There is no session to refresh.
    expect(await outcome(auth.refresh(two))).toBe('token_invalid')
    await auth.revoke.subject('alice')
    expect(await verdict(auth, two, 'refresh')).toBe('token_revoked')
    expect(await verdict(auth, await auth.mint({ sub: 'alice' }))).toBe('ok')
    clock.advance(5_000)
    expect(await verdict(auth, one)).toBe('token_expired')
  })

  it('lives no longer than revocations are kept', async () => {
    const { auth } = await openRescind({ maxTokenTtlSeconds: 2_592_000 })
    for (const ttlSeconds of [0, -1, 1.5, 2_592_001, Number.NaN]) {
      expect(await outcome(auth.mint({ sub: 'alice', ttlSeconds }))).toBe('invalid_config')
    }
  })

  it('is asked for by a usable subject', async () => {
    const { auth } = await openRescind()
    for (const sub of ['', 'a\u0000b', 'x'.repeat(10_000)])
      expect(await outcome(auth.mint({ sub }))).toBe('invalid_config')
  })
})
