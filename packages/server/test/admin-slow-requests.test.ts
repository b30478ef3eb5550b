import { systemClock } from 'rescind'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClients } from '../src/services/clients.ts'
import { type AdminApp, startAdminApp } from './support/admin-app.ts'
import { sendSlowly } from './support/slow-request.ts'
import { bearer, type Tokens } from './support/start-app.ts'

let app: AdminApp
let victim: Tokens
beforeAll(async () => {
  app = await startAdminApp()
  victim = await app.register()
})
afterAll(() => app.close())

describe('whoever may no longer do it once the body has come, does not do it', () => {
  const acts = [
    { route: () => `POST /admin/users/${victim.user.id}/disable`, body: { reason: 'too late' } },
    { route: () => 'POST /admin/revocations', body: { kind: 'everything', reason: 'too late' } },
  ]
  const losses: readonly {
    readonly name: string
    readonly refusal: { readonly status: number; readonly code: string }
    lose(): Promise<{ headers: object; meanwhile: () => Promise<unknown> }>
  }[] = [
    {
      name: 'an administrator whose role was taken away',
      refusal: { status: 403, code: 'forbidden' },
      async lose() {
        const { access_token, user } = await app.admin()
        const meanwhile = () => app.run(`update users set admin = 0 where id = '${user.id}'`)
        return { headers: bearer(access_token), meanwhile }
      },
    },
    {
      name: 'an administrator who was logged out',
      refusal: { status: 401, code: 'token_revoked' },
      async lose() {
        const { access_token } = await app.admin()
        return {
          headers: bearer(access_token),
          meanwhile: () => app.post('/auth/logout', undefined, bearer(access_token)),
        }
      },
    },
    {
      name: 'a client that was deleted',
      refusal: { status: 401, code: 'invalid_credentials' },
      async lose() {
        const { id, authorization } = await app.client(['admin'])
        const clients = createClients({ records: app.database.clients, clock: systemClock })
        return { headers: { authorization }, meanwhile: () => clients.delete(id) }
      },
    },
  ]

  it.each(losses)('$name', async ({ refusal, lose }) => {
    for (const { route, body } of acts) {
      const before = await app.database.audit.page({ beforeId: null, limit: 10 })
      expect(await sendSlowly(app, route(), { ...(await lose()), body })).toEqual(refusal)
      expect(await app.database.audit.page({ beforeId: null, limit: 10 })).toEqual(before)
    }
    expect((await app.get('/auth/status', victim.access_token)).status).toBe(200)
  })

  it('and others are let through, however slow they are', async () => {
    const headers = bearer((await app.admin()).access_token)
    const route = `POST /admin/users/${victim.user.id}/enable`
    expect(await sendSlowly(app, route, { headers, body: {}, meanwhile: async () => {} })).toMatchObject({
      status: 204,
    })
  })
})
