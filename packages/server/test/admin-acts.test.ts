import { randomBytes, randomUUID } from 'node:crypto'
import { generateKey, systemClock } from 'rescind'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AuditEntry } from '../src/repositories/audit.ts'
import { createKeySealing } from '../src/services/key-sealing.ts'
import { createKeys } from '../src/services/keys.ts'
import { type AdminApp, startAdminApp } from './support/admin-app.ts'
import { ask, logIn } from './support/admins.ts'
import { backendsUnderTest } from './support/backends.ts'
import { expectProblem } from './support/problems.ts'
import { bearer, type Tokens } from './support/start-app.ts'

interface Entry {
  readonly id: string
  readonly at: string
  readonly actor: { readonly kind: string; readonly id: string; readonly ip: string | null }
  readonly action: string
  readonly target: { readonly kind: string; readonly id: string | null } | null
  readonly reason: string | null
  readonly outcome: AuditEntry['outcome']
  readonly failure: { readonly of: string; readonly code: string } | null
}

describe.each(backendsUnderTest)('what operators do, over $name', ({ prepare }) => {
  const settings = prepare()
  let app: AdminApp
  let admin: Tokens
  beforeAll(async () => {
    app = await startAdminApp({ settings: await settings() })
    admin = await app.admin()
  })
  afterAll(() => app.close())

  const act = (route: string, body?: unknown) => ask(app, route, { token: admin.access_token, body })
  const lastEntries = async (count: number) =>
    ((await act(`GET /admin/audit?limit=${count}`)).body as { entries: Entry[] }).entries
  const statusOf = async (token: string) => (await app.get('/auth/status', token)).status
  const expectDead = async ({ access_token, refresh_token }: Tokens) => {
    await expectProblem(await app.get('/auth/status', access_token), 'token_revoked')
    await expectProblem(await app.post('/auth/refresh', { refresh_token }), 'token_revoked')
  }
  /** What the log says of an act of the administrator's: who, what, when, from where, why. */
  const expectEntry = async (action: string, target: Entry['target'], reason: string | null) => {
    const [entry] = await lastEntries(1)
    expect(entry).toEqual({
      id: expect.stringMatching(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/),
      at: expect.stringMatching(/Z$/),
      actor: { kind: 'user', id: admin.user.id, ip: '127.0.0.1' },
      action,
      target,
      reason,
      outcome: 'asked',
      failure: null,
    })
    expect(Math.abs(Date.now() - Date.parse(entry?.at ?? ''))).toBeLessThan(60_000)
  }

  it('disables an account and enables it again', async () => {
    const person = await app.register()
    const target = { kind: 'user', id: person.user.id }
    const path = `/admin/users/${person.user.id}`
    expect((await act(`POST ${path}/disable`, { reason: 'left the company' })).status).toBe(204)
    await expectEntry('user.disable', target, 'left the company')
    await expectDead(person)
    await expect(logIn(app, person.user.email)).rejects.toThrow('401')
    const disabled = (await act(`GET ${path}`)).body
    expect(disabled).toMatchObject({ ...person.user, disabled_at: expect.stringMatching(/Z$/) })
    expect((await act(`POST ${path}/disable`, { reason: 'once more' })).status).toBe(204)
    expect((await act(`GET ${path}`)).body).toEqual(disabled)
    expect((await act(`POST ${path}/enable`)).status).toBe(204)
    await expectEntry('user.enable', target, null)
    expect((await act(`GET ${path}`)).body).toMatchObject({ disabled_at: null })
    expect((await logIn(app, person.user.email)).user.id).toBe(person.user.id)
    expect(await statusOf(person.access_token)).toBe(401)
  })

  it("lists somebody's sessions and ends them all", async () => {
    const first = await app.register()
    const second = await logIn(app, first.user.email)
    const other = await app.register()
    const path = `/admin/users/${first.user.id}/sessions`
    const listed = (await act(`GET ${path}?limit=1`)).body as { sessions: { id: string }[]; next_cursor: string }
    const rest = (await act(`GET ${path}?limit=1&cursor=${listed.next_cursor}`)).body as typeof listed
    expect([...listed.sessions, ...rest.sessions].map(({ id }) => id).sort()).toEqual(
      [first.session_id, second.session_id].sort(),
    )
    expect(rest.next_cursor).toBeNull()
    expect(await act(`DELETE ${path}?reason=lost%20laptop`)).toEqual({ status: 200, body: { revoked: 2 } })
    await expectEntry('user.end_sessions', { kind: 'user', id: first.user.id }, 'lost laptop')
    for (const tokens of [first, second]) await expectDead(tokens)
    expect(await statusOf(other.access_token)).toBe(200)
    expect((await act(`GET ${path}`)).body).toEqual({ sessions: [], next_cursor: null })
  })

  it('revokes a token, a session, a subject, and says who and why', async () => {
    const person = await app.register()
    const again = await logIn(app, person.user.email)
    const third = await logIn(app, person.user.email)
    const { token } = (await (await app.get('/auth/status', person.access_token)).json()) as { token: { id: string } }
    const order = async (kind: string, id: string) => {
      const preview = (await act('POST /admin/revocations/preview', { kind, id })).body
      expect((await act('POST /admin/revocations', { kind, id, reason: `a ${kind} leaked` })).status).toBe(204)
      await expectEntry('revocation.create', { kind, id }, `a ${kind} leaked`)
      return preview
    }
    expect(await order('token', token.id)).toEqual({ sessions: 0 })
    await expectProblem(await app.get('/auth/status', person.access_token), 'token_revoked')
    expect((await app.post('/auth/refresh', { refresh_token: person.refresh_token })).status).toBe(200)
    expect(await order('session', again.session_id)).toEqual({ sessions: 1 })
    await expectDead(again)
    expect(await statusOf(third.access_token)).toBe(200)
    expect(await order('subject', person.user.id)).toEqual({ sessions: 2 })
    await expectDead(third)

    const { revocations } = (await act('GET /admin/revocations?limit=200')).body as { revocations: object[] }
    const ours = { by: admin.user.id, at: expect.stringMatching(/Z$/), expires_at: expect.stringMatching(/Z$/) }
    expect(revocations).toContainEqual(
      expect.objectContaining({ ...ours, kind: 'session', id: again.session_id, reason: 'a session leaked' }),
    )
    expect(revocations).toContainEqual(
      expect.objectContaining({ ...ours, kind: 'subject', id: person.user.id, before: expect.stringMatching(/Z$/) }),
    )
    const stats = (await act('GET /admin/stats')).body
    expect(stats).toMatchObject({
      users: { all: expect.any(Number), disabled: expect.any(Number) },
      live_sessions: expect.any(Number),
      live_revocations: { by_kind: { everything: 0 } },
      replica: { state: 'live' },
    })
  })

  it('stops where more would end than a preview had told, and says so in the log', async () => {
    const person = await app.register()
    await logIn(app, person.user.email)
    const order = { kind: 'subject', id: person.user.id, reason: 'too many', max_sessions: 1 }
    expect(await act('POST /admin/revocations', order)).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    expect(await statusOf(person.access_token)).toBe(200)
    const [failed, asked] = await lastEntries(2)
    expect(asked).toMatchObject({ action: 'revocation.create', outcome: 'asked', reason: 'too many', failure: null })
    expect(failed).toMatchObject({
      action: 'revocation.create',
      target: { kind: 'subject', id: person.user.id },
      outcome: 'failed',
      failure: { of: asked?.id, code: 'forbidden' },
    })
    expect((await act('POST /admin/revocations', { ...order, max_sessions: 2 })).status).toBe(204)
    await expectDead(person)
  })

  it('refuses what does not exist, and writes that down as well', async () => {
    for (const route of [
      'POST /admin/users/nobody/disable',
      'POST /admin/users/nobody/enable',
      'DELETE /admin/users/nobody/sessions',
    ]) {
      expect(await act(route)).toMatchObject({ status: 404, body: { code: 'not_found' } })
      const [failed, asked] = await lastEntries(2)
      expect(failed).toMatchObject({ outcome: 'failed', failure: { of: asked?.id, code: 'not_found' } })
    }
    for (const route of ['GET /admin/users/nobody', 'GET /admin/users/nobody/sessions']) {
      expect((await act(route)).status).toBe(404)
    }
    const retired = await act('POST /admin/keys/nothing/retire', { reason: 'x' })
    expect(retired).toMatchObject({ status: 404 })
    expect(await statusOf(admin.access_token)).toBe(200)
  })

  it('leaves one administrator who may enter, whoever disables whom at once', async () => {
    await app.run('update users set disabled_at_ms = 1 where admin = 1')
    const [one, two] = [await app.admin(), await app.admin()]
    const disable = (by: Tokens, whom: Tokens) =>
      ask(app, `POST /admin/users/${whom.user.id}/disable`, { token: by.access_token })
    const answers = await Promise.all([disable(one, two), disable(two, one), disable(one, one), disable(two, two)])
    // Whoever is disabled already may be disabled once more.
    for (const { status } of answers) expect([204, 401, 403]).toContain(status)
    const tokens = (await Promise.all([one, two].map(async (it) => ({ it, status: await statusOf(it.access_token) }))))
      .filter(({ status }) => status === 200)
      .map(({ it }) => it)
    expect(tokens).toHaveLength(1)
    const [last] = tokens
    if (last === undefined) throw new Error('nobody is left')
    expect(await disable(last, last)).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    admin = last
  })

  it('publishes keys and takes them out, which ends everything', async () => {
    const person = await app.register()
    const { authorization } = await app.client(['admin'])
    const asClient = (route: string, body?: unknown) => ask(app, route, { headers: { authorization }, body })
    const before = ((await act('GET /admin/keys')).body as { keys: { kid: string; state: string }[] }).keys
    expect(before).toMatchObject([{ state: 'signing', alg: 'EdDSA' }])
    const rotated = await act('POST /admin/keys/rotate', { reason: 'yearly' })
    expect(rotated).toMatchObject({ status: 201, body: { state: 'published' } })
    await expectEntry('key.rotate', null, 'yearly')
    expect(await act('POST /admin/keys/rotate')).toMatchObject({ status: 403 })

    const kid = before[0]?.kid ?? ''
    expect((await asClient(`POST /admin/keys/${kid}/retire`, { reason: 'leaked' })).status).toBe(204)
    await expectDead(person)
    await expectProblem(await app.get('/admin/users', admin.access_token), 'token_revoked')
    const { keys } = (await asClient('GET /admin/keys')).body as { keys: { kid: string }[] }
    expect(keys.map((key) => key.kid)).not.toContain(kid)
    const { entries } = (await asClient('GET /admin/audit?limit=1')).body as { entries: Entry[] }
    expect(entries).toMatchObject([
      { actor: { kind: 'client', id: expect.stringMatching(/^client_/) }, action: 'key.retire', reason: 'leaked' },
    ])
  })

  it('revokes everything, the token that asked as well', async () => {
    const [person, someone] = [await app.register(), await app.admin()]
    const preview = await ask(app, 'POST /admin/revocations/preview', {
      token: someone.access_token,
      body: { kind: 'everything' },
    })
    const { sessions } = preview.body as { sessions: number }
    expect(sessions).toBeGreaterThanOrEqual(2)
    const order = { kind: 'everything', reason: 'the panic button', max_sessions: sessions }
    expect((await app.post('/admin/revocations', order, bearer(someone.access_token))).status).toBe(204)
    for (const tokens of [person, someone]) await expectDead(tokens)
    expect(await statusOf((await logIn(app, person.user.email)).access_token)).toBe(200)
  })
})

it('takes a key out that somebody else takes out at the same moment, and says that it was done', async () => {
  const app = await startAdminApp()
  try {
    const keys = createKeys({
      database: app.database,
      sealing: createKeySealing(randomBytes(32)),
      alg: 'EdDSA',
      clock: systemClock,
      newId: randomUUID,
      maxTokenTtlMs: 1_000,
    })
    await app.run('delete from signing_keys')
    await keys.begin(() => generateKey('EdDSA'))
    const raced = { ...keys, check: (kid: string) => keys.check(kid).then(() => keys.retire(kid)) }
    const other = await startAdminApp({ settings: app.settings, operation: { ledger: app.store.ledger, keys: raced } })
    try {
      const { authorization } = await app.client(['admin'])
      const [key] = await keys.list()
      const body = { reason: 'leaked' }
      const retired = await ask(other, `POST /admin/keys/${key?.kid}/retire`, { headers: { authorization }, body })
      expect(retired.status).toBe(204)
      expect(await app.database.audit.page({ beforeId: null, limit: 2 })).toMatchObject([{ outcome: 'asked' }])
      expect((await keys.list()).map(({ kid }) => kid)).not.toContain(key?.kid)
    } finally {
      await other.close()
    }
  } finally {
    await app.close()
  }
})

it('without keys in the database there are none to manage', async () => {
  const app = await startAdminApp({ keys: null })
  try {
    const { access_token: token } = await app.admin()
    for (const route of ['GET /admin/keys', 'POST /admin/keys/rotate']) {
      expect(await ask(app, route, { token })).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    }
  } finally {
    await app.close()
  }
})
