import { sql } from 'kysely'
import { systemClock } from 'rescind'
import { createFakeClock } from 'rescind/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAuditIds } from '../src/services/operators/audit-ids.ts'
import { createAuditTrail } from '../src/services/operators/audit-trail.ts'
import type { Act } from '../src/services/operators/operators.ts'
import { type AdminApp, startAdminApp } from './support/admin-app.ts'
import { ask } from './support/admins.ts'
import { backendsUnderTest } from './support/backends.ts'

const byNobody: Act = { actor: { kind: 'command_line', id: 'root', ip: null }, reason: null }

describe.each(backendsUnderTest.slice(0, 2))('the audit log, over $name', ({ name, prepare }) => {
  const settings = prepare()
  let app: AdminApp
  beforeAll(async () => {
    app = await startAdminApp({ settings: await settings() })
  })
  afterAll(() => app.close())

  const entries = () => app.database.audit.page({ beforeId: null, limit: 200 })
  const trail = () => createAuditTrail({ log: app.database.audit, clock: systemClock })

  it('takes new entries and nothing else: no change, no deletion, whoever asks the database', async () => {
    await trail().audited(byNobody, { action: 'key.rotate' }, async () => {})
    const [entry] = await entries()
    const id = entry?.id ?? ''
    const insert = `into audit (id, at_ms, actor_kind, actor_id, action, outcome)
      values ('${id}', 1, 'user', 'nobody', 'nothing', 'asked')`
    const attempts =
      name === 'SQLite'
        ? [`insert or replace ${insert}`, `replace ${insert}`, `update or replace audit set id = 'x'`]
        : ['truncate audit', `insert ${insert} on conflict (id) do update set action = 'nothing'`]
    for (const statement of [
      "update audit set reason = 'another'",
      `update audit set outcome = 'failed' where id = '${id}'`,
      'delete from audit',
      `delete from audit where id = '${id}'`,
      ...attempts,
    ]) {
      const failure = await app.run(statement).then(
        () => null,
        (error: { cause?: Error }) => error.cause?.message ?? 'no cause',
      )
      expect(failure, statement).toMatch(/append-only/)
    }
    expect(await entries()).toContainEqual(entry)
  })

  it('comes first: what cannot be written down is not done', async () => {
    const person = await app.register()
    const { access_token: token } = await app.admin()
    const before = await entries()
    await app.run(
      name === 'SQLite'
        ? `create trigger audit_full before insert on audit begin select raise(abort, 'full'); end`
        : 'alter table audit rename to audit_away',
    )
    try {
      const attempts: readonly [string, unknown?][] = [
        [`POST /admin/users/${person.user.id}/disable`],
        [`POST /admin/users/${person.user.id}/enable`],
        [`DELETE /admin/users/${person.user.id}/sessions`],
        ['POST /admin/revocations', { kind: 'everything', reason: 'x' }],
        ['POST /admin/revocations', { kind: 'session', id: person.session_id, reason: 'x' }],
        ['POST /admin/keys/rotate'],
        ['POST /admin/keys/any/retire', { reason: 'x' }],
      ]
      for (const [route, body] of attempts) {
        expect(await ask(app, route, { token, body })).toMatchObject({ status: 503, body: { code: 'overloaded' } })
      }
      expect((await app.get('/auth/status', person.access_token)).status).toBe(200)
      expect(await app.database.users.byId(person.user.id)).toMatchObject({ disabledAtMs: null, credentialVersion: 0 })
      expect(await app.database.signingKeys.all()).toHaveLength(1)
    } finally {
      await app.run(name === 'SQLite' ? 'drop trigger audit_full' : 'alter table audit_away rename to audit')
    }
    expect(await entries()).toEqual(before)
    expect((await ask(app, 'POST /admin/keys/rotate', { token })).status).toBe(201)
  })

  it('tells an act that failed by the code of its error, whatever was thrown', async () => {
    const work = async () => {
      throw new Error('of no known kind')
    }
    await expect(trail().audited(byNobody, { action: 'key.rotate' }, work)).rejects.toThrow('of no known kind')
    const [failed, asked] = await entries()
    expect(failed).toMatchObject({ outcome: 'failed', failureOf: asked?.id, failureCode: 'internal_error' })
    expect(asked).toMatchObject({ outcome: 'asked', actorKind: 'command_line', actorId: 'root', ip: null })
  })

  it('keeps what is hostile in a reason out, and the rest as it is', async () => {
    const person = await app.register()
    const { access_token: token } = await app.admin()
    const path = `POST /admin/users/${person.user.id}/enable`
    const before = (await entries()).length
    for (const reason of [
      '',
      'a\nb',
      'a\r\nb',
      '\u001b[2J',
      'a\u0000',
      '\ud800',
      'a\u2028b',
      'end\u202eyrotcer eht',
      '\u2066isolated',
      '\u200fright to left',
      'x'.repeat(501),
      7,
      null,
      [],
    ]) {
      expect(await ask(app, path, { token, body: { reason } })).toMatchObject({ status: 400 })
    }
    expect(await entries()).toHaveLength(before)
    const odd = `'; drop table audit; -- "<script>" \\ ${'ü'.repeat(100)} 🔑`
    expect((await ask(app, path, { token, body: { reason: odd } })).status).toBe(204)
    expect((await entries())[0]?.reason).toBe(odd)
    const { rows } = await app.database.inTransaction(({ tables }) =>
      sql<{ count: number }>`select count(*) as count from audit`.execute(tables),
    )
    expect(Number(rows[0]?.count)).toBe(before + 1)
  })
})

it('shows who acted by a name that begins no other line', async () => {
  const app = await startAdminApp()
  try {
    const trail = createAuditTrail({ log: app.database.audit, clock: systemClock })
    const actor = { kind: 'command_line', id: `a\nb\u202e\u001b[2J${'x'.repeat(300)}`, ip: null } as const
    await trail.audited({ actor, reason: null }, { action: 'key.rotate' }, async () => {})
    const [entry] = (await trail.list({})).items
    expect(entry?.actorId).toBe(`a\ufffdb\ufffd\ufffd[2J${'x'.repeat(248)}`)
  } finally {
    await app.close()
  }
})

it('orders entries by their ids, also those of one moment and of a clock that goes back', () => {
  const clock = createFakeClock()
  const newId = createAuditIds(clock)
  const ids = Array.from({ length: 50 }, newId)
  clock.advance(-60_000)
  ids.push(newId())
  clock.advance(120_000)
  ids.push(newId())
  expect([...ids].sort()).toEqual(ids)
  expect(new Set(ids).size).toBe(52)
  for (const id of ids) expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
  expect(Number.parseInt((ids.at(-1) ?? '').replaceAll('-', '').slice(0, 12), 16)).toBe(clock.now())
})
