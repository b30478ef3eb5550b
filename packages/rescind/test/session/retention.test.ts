import type { Revocation, Store } from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { describe, expect, it } from 'vitest'
import { openRescind } from './helpers.ts'

const DAY = 86_400_000
const LEEWAY = 5_000
const TOLERANCE = 2_000
// A token that is dated ahead by leeway and tolerance, accepted past its end by the leeway, and rounded to seconds.
const SLACK = 2 * LEEWAY + TOLERANCE + 1_000

async function recordedBy(store: Store): Promise<Revocation[]> {
  const all: Revocation[] = []
  for await (const { records } of store.ledger.read(null)) all.push(...records)
  return all
}

async function open() {
  const store = memoryStore()
  const options = { store, leewayMs: LEEWAY, clockToleranceMs: TOLERANCE, maxTokenTtlSeconds: 30 * 86_400 }
  const { auth, clock } = await openRescind(options)
  return { store, auth, clock, last: clock.now() + 30 * DAY + SLACK }
}

describe('a revocation is kept until the last token that it can match has expired', () => {
  it('of a token: until its own end, where that is told and can be', async () => {
    const { store, auth, clock, last } = await open()
    const now = clock.now()
    const kept: [jti: string, expiresAtMs: number | undefined, until: number][] = [
      ['untold', undefined, last],
      ['told', now + 60_000, now + 60_000 + SLACK],
      ['to a fraction', now + 59_999.5, now + 60_000 + SLACK],
      ['in seconds', Math.floor(now / 1000) + 60, last],
      ['past', now - 1, last],
      ['now', now, last],
      ['later than any', now + 90 * DAY, last],
      ['as late as any', last, last],
    ]
    for (const [jti, expiresAtMs] of kept) await auth.revoke.token({ jti, expiresAtMs })
    const recorded = (await recordedBy(store)).map((record) => ['id' in record && record.id, record.expiresAt])
    expect(recorded).toEqual(kept.map(([jti, , until]) => [jti, until]))
  })

  it('of a session, a subject and everything: for as long as any token lives', async () => {
    const { store, auth, clock, last } = await open()
    const now = clock.now()
    await auth.revoke.session('s1')
    await auth.revoke.subject('alice')
    await auth.revoke.subject('bob', { before: now - DAY })
    await auth.revoke.subject('carol', { before: now + DAY })
    await auth.revoke.everything({ before: now - DAY })
    await auth.revoke.everything({ before: now + DAY })
    expect((await recordedBy(store)).map(({ expiresAt }) => expiresAt)).toEqual([
      last,
      last,
      last,
      last + DAY,
      last,
      last + DAY,
    ])
  })

  it('of a reuse: as long', async () => {
    const { store, auth, clock } = await open()
    const first = await auth.issue({ sub: 'alice' })
    const second = await auth.refresh(first.refreshToken)
    await auth.refresh(second.refreshToken)
    await expect(auth.refresh(first.refreshToken)).rejects.toMatchObject({ code: 'refresh_token_reused' })
    expect((await recordedBy(store)).map(({ expiresAt }) => expiresAt)).toEqual([clock.now() + 30 * DAY + SLACK])
  })
})
