import { describe, expect, it } from 'vitest'
import { openRescind, verdict } from './helpers.ts'

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
