import { describe, expect, it } from 'vitest'
import { openRescind } from './helpers.ts'

describe('explain', () => {
  it('names the record that killed a token: what kind, by whom, why, when and until when', async () => {
    const { auth, clock } = await openRescind()
    const { accessToken, sid } = await auth.issue({ sub: 'alice' })
    clock.advance(1_000)
    const revokedAt = clock.now()
    await auth.revoke.session(sid, { by: 'admin@example.test', reason: 'a stolen laptop' })
    const { jti, iatMs } = { ...idsOf(await auth.explain(accessToken)) }
    expect(await auth.explain(accessToken)).toEqual({
      verdict: 'revoked',
      kind: 'session',
      ids: { jti, sid, sub: 'alice', iatMs },
      revocation: {
        kind: 'session',
        id: sid,
        at: revokedAt,
        expiresAt: expect.any(Number),
        by: 'admin@example.test',
        reason: 'a stolen laptop',
      },
    })
  })

  it('says of a live token until when it lives', async () => {
    const { auth, clock } = await openRescind({ accessTtlSeconds: 60 })
    const { accessToken } = await auth.issue({ sub: 'alice' })
    expect(await auth.explain(accessToken)).toMatchObject({ verdict: 'live', expiresAtMs: clock.now() + 60_000 })
  })

  it('says of any other token which code refuses it', async () => {
    const { auth, clock } = await openRescind({ accessTtlSeconds: 1 })
    const { accessToken } = await auth.issue({ sub: 'alice' })
    clock.advance(1_000)
    expect(await auth.explain(accessToken)).toMatchObject({ verdict: 'refused', code: 'token_expired' })
    expect(await auth.explain('nonsense')).toMatchObject({ verdict: 'refused', code: 'token_malformed' })
  })
})

describe('preview', () => {
  it('counts what a revocation would end, and ends nothing', async () => {
    const { auth, clock } = await openRescind()
    const sids: string[] = []
    for (const sub of ['alice', 'alice', 'alice', 'bob']) sids.push((await auth.issue({ sub })).sid)
    const between = clock.now()
    clock.advance(10)
    await auth.issue({ sub: 'alice' })
    const count = async (wanted: Parameters<typeof auth.preview>[0]) => (await auth.preview(wanted)).sessions
    expect(await count({ kind: 'session', sid: sids[0] ?? '' })).toBe(1)
    expect(await count({ kind: 'session', sid: 'unknown' })).toBe(0)
    expect(await count({ kind: 'subject', sub: 'alice' })).toBe(4)
    expect(await count({ kind: 'subject', sub: 'alice', before: between })).toBe(3)
    expect(await count({ kind: 'subject', sub: 'alice', except: sids[0] })).toBe(3)
    expect(await count({ kind: 'everything' })).toBe(5)
    expect(await count({ kind: 'everything', before: between })).toBe(4)
    expect(await auth.revoke.subject('alice', { before: between })).toBe(3)
    expect(await count({ kind: 'everything' })).toBe(2)
    await expect(auth.preview({ kind: 'subject', sub: '' })).rejects.toMatchObject({ code: 'invalid_config' })
  })
})

function idsOf(explanation: { verdict: string; ids?: { jti: string | undefined; iatMs: number } }) {
  return { jti: explanation.ids?.jti, iatMs: explanation.ids?.iatMs }
}
