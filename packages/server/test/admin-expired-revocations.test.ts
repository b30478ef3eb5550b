import type { Revocation } from 'rescind'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AdminApp, startAdminApp } from './support/admin-app.ts'
import { ask } from './support/admins.ts'
import { backendsUnderTest } from './support/backends.ts'
import { rescind } from './support/command-line.ts'
import type { Tokens } from './support/start-app.ts'

const HOUR_MS = 3_600_000

interface Shown {
  readonly kind: string
  readonly id: string
}

describe.each(backendsUnderTest)(
  'revocations that have expired and are kept for a while, over $name',
  ({ prepare }) => {
    const settings = prepare()
    let app: AdminApp
    let admin: Tokens
    beforeAll(async () => {
      app = await startAdminApp({ settings: await settings() })
      admin = await app.admin()
      const nowMs = Date.now()
      const token = (id: string, expiresAt: number): Revocation => ({
        kind: 'token',
        id,
        at: nowMs - HOUR_MS,
        expiresAt,
      })
      await app.store.ledger.append([
        token('over-first', nowMs - 1_000),
        token('open', nowMs + HOUR_MS),
        { kind: 'everything', before: 1, at: nowMs - HOUR_MS, expiresAt: nowMs - 1_000 },
        token('over-last', nowMs - 1),
      ])
    })
    afterAll(() => app.close())

    const get = (path: string) => ask(app, `GET ${path}`, { token: admin.access_token })

    it('are not counted', async () => {
      expect((await get('/admin/stats')).body).toMatchObject({
        live_revocations: { by_kind: { token: 1, session: 0, subject: 0, everything: 0 } },
      })
    })

    it('are not listed, on pages of any size', async () => {
      for (const limit of [1, 2, 200]) {
        const { body } = await get(`/admin/revocations?limit=${limit}`)
        const { revocations, next_cursor: next } = body as { revocations: Shown[]; next_cursor: string | null }
        expect([revocations.map(({ id }) => id), next]).toEqual([['open'], null])
      }
    })

    it('are not exported', async () => {
      const { code, stdout } = await rescind(['export', '--only', 'revocations'], app.settings)
      const lines = stdout.trim().split('\n')
      expect([code, lines.map((line) => (JSON.parse(line) as Shown).id)]).toEqual([0, ['open']])
    })
  },
)
