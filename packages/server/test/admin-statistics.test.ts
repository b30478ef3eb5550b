import type { Ledger, Revocation } from 'rescind'
import { createFakeClock } from 'rescind/testing'
import { expect, it } from 'vitest'
import { startAdminApp } from './support/admin-app.ts'
import { ask } from './support/admins.ts'
import { expectProblem } from './support/problems.ts'

interface Stats {
  readonly users: { readonly all: number; readonly disabled: number }
  readonly live_sessions: number
  readonly live_revocations: { readonly all: number; readonly by_kind: Record<string, number> | null }
}

it('counts once for all who ask within five seconds, and anew after them', async () => {
  const clock = createFakeClock(Date.now())
  const app = await startAdminApp({ clock })
  try {
    const { access_token: token } = await app.admin()
    const stats = async () => (await ask(app, 'GET /admin/stats', { token })).body as Stats
    const first = await stats()
    expect(first).toMatchObject({ users: { all: 1, disabled: 0 }, live_sessions: 1 })
    const person = await app.register()
    await app.register()
    await ask(app, `POST /admin/users/${person.user.id}/disable`, { token })
    expect(await stats()).toMatchObject({ users: first.users, live_sessions: 1 })
    clock.advance(5_000)
    expect(await stats()).toMatchObject({
      users: { all: 3, disabled: 1 },
      live_sessions: 2,
      live_revocations: { by_kind: { subject: 1, session: 1 } },
    })
  } finally {
    await app.close()
  }
})

it('tells as many live revocations as there are of all kinds, also just after some have expired', async () => {
  const clock = createFakeClock(Date.now())
  const app = await startAdminApp({ clock })
  try {
    const { access_token: token } = await app.admin()
    const now = clock.now()
    const record = (id: string, expiresAt: number): Revocation => ({ kind: 'token', id, at: now, expiresAt })
    await app.store.ledger.append([record('over soon', now + 5_000), record('lives on', now + 3_600_000)])
    const revocations = async () => ((await ask(app, 'GET /admin/stats', { token })).body as Stats).live_revocations
    await expect.poll(revocations).toMatchObject({ all: 2 })
    clock.advance(5_000)
    expect(await revocations()).toEqual({ all: 1, by_kind: { token: 1, session: 0, subject: 0, everything: 0 } })
  } finally {
    await app.close()
  }
})

it('leaves out what would take long to count', async () => {
  const app = await startAdminApp()
  try {
    const { access_token: token } = await app.admin()
    const expiresAt = Date.now() + 3_600_000
    const many = Array.from({ length: 20_001 }, (_, at): Revocation => {
      return { kind: 'token', id: `jti-${at}`, at: Date.now(), expiresAt }
    })
    await app.store.ledger.append(many)
    const revocations = async () => ((await ask(app, 'GET /admin/stats', { token })).body as Stats).live_revocations
    await expect.poll(revocations).toEqual({ all: 20_001, by_kind: null })
  } finally {
    await app.close()
  }
})

it('says that the ledger does not answer, and asks it again next time', async () => {
  let broken = true
  const app = await startAdminApp()
  const ledger: Ledger = {
    ...app.store.ledger,
    read: (from) => {
      if (broken) throw new Error('connection reset')
      return app.store.ledger.read(from)
    },
  }
  const other = await startAdminApp({ settings: app.settings, operation: { ledger, keys: null } })
  try {
    const { access_token: token } = await app.admin()
    const failed = await other.get('/admin/stats', token)
    await expectProblem(failed, 'revocation_unavailable')
    broken = false
    expect((await other.get('/admin/stats', token)).status).toBe(200)
  } finally {
    await other.close()
    await app.close()
  }
})
