import type { Revocation } from 'rescind'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AdminApp, startAdminApp } from './support/admin-app.ts'
import { ask } from './support/admins.ts'
import { backendsUnderTest } from './support/backends.ts'
import { expectHarmless } from './support/leaks.ts'
import { bearer, type Tokens } from './support/start-app.ts'

const HOUR_MS = 3_600_000

const cursorOf = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString('base64url')
const numbered = (count: number, prefix: string) => Array.from({ length: count }, (_, at) => `${prefix}${at}`)

describe.each(backendsUnderTest)('lists for operators, over $name', ({ prepare }) => {
  const settings = prepare()
  let app: AdminApp
  let admin: Tokens
  beforeAll(async () => {
    app = await startAdminApp({ settings: await settings() })
    admin = await app.admin()
  })
  afterAll(() => app.close())

  const get = (path: string) => ask(app, `GET ${path}`, { token: admin.access_token })
  /** All pages of a list; between two of them, something happens. */
  const walk = async <Item>(path: string, name: string, between: () => Promise<unknown> = async () => {}) => {
    const items: Item[] = []
    let cursor: string | null = null
    do {
      const { status, body } = await get(`${path}${cursor === null ? '' : `&cursor=${cursor}`}`)
      expect(status).toBe(200)
      const page = body as Record<string, unknown>
      items.push(...(page[name] as Item[]))
      cursor = page.next_cursor as string | null
      await between()
    } while (cursor !== null)
    return items
  }
  const addUser = (id: string, registeredAtMs: number) =>
    app.database.users.insert({
      id,
      email: `${id}@list.test`,
      emailKey: `${id}@list.test`,
      emailVerified: true,
      passwordHash: 'none',
      admin: false,
      registeredAtMs,
      disabledAtMs: null,
      credentialVersion: 0,
    })
  const tokenRevocation = (id: string, expiresAt = Date.now() + 2 * HOUR_MS): Revocation => {
    return { kind: 'token', id, at: Date.now(), expiresAt }
  }

  it('shows every account once, newest first, while others register', async () => {
    const wanted = numbered(9, 'listed-')
    // Several in one moment.
    for (const [at, id] of wanted.entries()) await addUser(id, 1_000 + Math.floor(at / 4))
    let later = 0
    const between = () => addUser(`listed-later-${++later}`, 2_000 + later)
    const users = await walk<{ id: string }>('/admin/users?limit=2&query=listed-', 'users', between)
    expect(users.map(({ id }) => id)).toEqual([...wanted].reverse())
    expect((await walk<{ id: string }>('/admin/users?limit=200', 'users')).length).toBeGreaterThanOrEqual(9 + later)
  })

  it('finds accounts by a part of the address or by the id, and takes nothing for a pattern', async () => {
    await addUser('per_cent%25', 500)
    await addUser('quote-and-back', 501)
    const found = async (query: string) => {
      const { body } = await get(`/admin/users?query=${encodeURIComponent(query)}`)
      return (body as { users: { id: string }[] }).users.map(({ id }) => id)
    }
    expect(await found('AND-BACK@List.test')).toEqual(['quote-and-back'])
    expect(await found('ｑｕｏｔｅ')).toEqual(['quote-and-back'])
    expect(await found('quote-and-back')).toEqual(['quote-and-back'])
    expect(await found('per_cent%25')).toEqual(['per_cent%25'])
    expect(await found('%25@')).toEqual(['per_cent%25'])
    for (const query of ['quote_and_back', 'quote%', 'QUOTE*', '\\', "' or 1=1 --", '"', '\0', 'quote\0', '$1', '?']) {
      expect(await found(query), query).toEqual([])
    }
    expect((await found('')).length).toBeGreaterThan(1)
  })

  it('finds what is far down among many, in order', async () => {
    await app.run(`with recursive numbers(n) as (select 0 union all select n + 1 from numbers where n < 20500)
      insert into users (id, email, email_key, email_verified, password_hash, admin, registered_at_ms)
      select 'many-' || n, 'm', 'many-' || n || '@many.test', 1, 'none', 0, 100 + n / 7 from numbers`)
    const ids = async (query: string, limit: number) =>
      (await walk<{ id: string }>(`/admin/users?limit=${limit}&query=${query}`, 'users')).map(({ id }) => id)
    expect(await ids('many-0@', 50)).toEqual(['many-0'])
    expect(await ids('MANY-20500', 50)).toEqual(['many-20500'])
    const hundreds = await ids('00@many', 100)
    expect(hundreds).toEqual(Array.from({ length: 205 }, (_, at) => `many-${20_500 - 100 * at}`))
  })

  it('shows every entry of the audit log once, newest first, while others are written', async () => {
    const person = await app.register()
    const path = `POST /admin/users/${person.user.id}/enable`
    const act = (reason: string) => ask(app, path, { token: admin.access_token, body: { reason } })
    const reasons = numbered(5, 'entry ')
    for (const reason of reasons) await act(reason)
    const entries = await walk<{ id: string; reason: string }>('/admin/audit?limit=2', 'entries', () => act('later'))
    expect(entries.map(({ reason }) => reason)).toEqual([...reasons].reverse())
    expect(entries.map(({ id }) => id)).toEqual(
      entries
        .map(({ id }) => id)
        .sort()
        .reverse(),
    )
  })

  it('tells revocations of one moment apart by the session that they spare', async () => {
    const at = Date.now()
    const spare = (except: string): Revocation => {
      return { kind: 'subject', id: 'spared', before: at, except, at, expiresAt: at + HOUR_MS }
    }
    const spared = numbered(5, 'spared-')
    await app.store.ledger.append(spared.map(spare))
    const seen: unknown[] = []
    let cursor = ''
    for (let pages = 0; pages < 10_000; pages += 1) {
      const { body } = await get(`/admin/revocations?limit=1${cursor}`)
      const { revocations, next_cursor: next } = body as { revocations: { except: string }[]; next_cursor: string }
      seen.push(...revocations.map(({ except }) => except).filter((except) => except?.startsWith('spared-')))
      if (next === null || seen.length > spared.length) break
      cursor = `&cursor=${next}`
    }
    expect(seen).toEqual(spared)
  })

  it('shows every live revocation once, though the ledger has pages of its own', async () => {
    const wanted = numbered(1_050, 'jti-')
    await app.store.ledger.append(wanted.map((id) => tokenRevocation(id)))
    let later = 0
    const between = () => app.store.ledger.append([tokenRevocation(`later-${++later}`)])
    const all = await walk<{ id: string }>('/admin/revocations?limit=190', 'revocations', between)
    const shown = all.map(({ id }) => id)
    expect(shown.filter((id) => id.startsWith('jti-'))).toEqual(wanted)
    expect(new Set(all.map((one) => JSON.stringify(one))).size).toBe(all.length)
    // They go to the end.
    expect(shown.indexOf('later-1')).toBeGreaterThan(shown.indexOf('jti-1049'))
  })

  it('leaves no revocation out where others are forgotten between two pages', async () => {
    const nowMs = Date.now()
    const brief = numbered(4, 'brief-').map((id) => tokenRevocation(id, nowMs + HOUR_MS))
    const lasting = numbered(6, 'lasting-').map((id) => tokenRevocation(id, nowMs + 9 * HOUR_MS))
    // What was there before is forgotten first.
    await app.store.ledger.prune(nowMs + 8 * HOUR_MS, 5_000)
    while ((await app.store.ledger.prune(nowMs + 8 * HOUR_MS, 5_000)) > 0);
    await app.store.ledger.append([...brief, ...lasting])
    let pruned = false
    const between = async () => {
      if (!pruned) await app.store.ledger.prune(nowMs + 2 * HOUR_MS, 100)
      pruned = true
    }
    const shown = (await walk<{ id: string }>('/admin/revocations?limit=3', 'revocations', between)).map(({ id }) => id)
    expect(shown.slice(0, 3)).toEqual(['brief-0', 'brief-1', 'brief-2'])
    expect(new Set(shown.filter((id) => id.startsWith('lasting-')))).toEqual(
      new Set(lasting.map((one) => 'id' in one && one.id)),
    )
  })

  it('refuses every cursor and parameter that no page named', async () => {
    const paths = ['/admin/users', '/admin/audit', '/admin/revocations', `/admin/users/${admin.user.id}/sessions`]
    const cursors = [
      '',
      'x',
      "' or 1=1 --",
      '%00',
      '%ff%fe',
      cursorOf(),
      cursorOf('nothing', 1),
      cursorOf('users'),
      cursorOf('users', '1', 'x'),
      cursorOf('users', 1e300, 'x'),
      cursorOf('users', 1, 'a\0'),
      cursorOf('users', 1, '\ud800'),
      cursorOf('users', 1, { id: 1 }),
      cursorOf('audit', '\0'),
      cursorOf('audit', 7),
      cursorOf('revocations', 'x', null),
      cursorOf('revocations', 'x:99999999999999999999', null),
      cursorOf('revocations', 'a\0:1:1', 'x'),
      cursorOf('revocations', `${await app.store.ledger.generation()}:9999999999999999:1`, null),
      cursorOf('sessions', null),
      cursorOf('sessions', '1:\0'),
      'e30',
      'bnVsbA',
      'x'.repeat(3_000),
      'x'.repeat(100_000),
    ]
    for (const path of paths) {
      for (const cursor of cursors) {
        const answer = await fetch(`${app.url}${path}?cursor=${cursor}`, { headers: bearer(admin.access_token) })
        await expectHarmless(answer.clone(), `${path} ${cursor.slice(0, 80)}`)
        expect([400, 414, 431], `${path} ${cursor.slice(0, 80)}`).toContain(answer.status)
      }
      for (const query of [
        'limit=0',
        'limit=201',
        'limit=x',
        'limit=1&limit=2',
        'limit=1e9',
        'cursor=a&cursor=b',
        'page=2',
        '__proto__=1',
        'cursor[a]=1',
      ]) {
        expect((await get(`${path}?${query}`)).status, `${path} ${query}`).toBe(400)
      }
    }
    // Of this listing, but of nobody's making: there is nothing after it, or all of it.
    for (const [path, cursor] of [
      ['/admin/users', cursorOf('users', Number.MAX_SAFE_INTEGER, "' or 1=1")],
      ['/admin/audit', cursorOf('audit', "' or 1=1 --")],
      [paths[3], cursorOf('sessions', "' or 1=1 --")],
    ]) {
      expect((await get(`${path}?cursor=${cursor}`)).status).toBe(200)
    }
  })

  it('finds nothing by hostile ids, and does nothing to anybody', async () => {
    const person = await app.register()
    const ids = [
      '%00',
      `${person.user.id}%00`,
      '%ff',
      '..%2f..%2fetc',
      '%27%20or%201%3D1--',
      '*',
      '%25',
      '_',
      'null',
      '__proto__',
      'constructor',
      `${person.user.id},x`,
      person.user.id.toUpperCase(),
      `%20${person.user.id}`,
      // Ids of other things.
      person.session_id,
      person.user.email,
      'x'.repeat(101),
      'x'.repeat(10_000),
      'x'.repeat(100_000),
    ]
    for (const id of ids) {
      for (const route of [
        `GET /admin/users/${id}`,
        `POST /admin/users/${id}/disable`,
        `POST /admin/users/${id}/enable`,
        `GET /admin/users/${id}/sessions`,
        `DELETE /admin/users/${id}/sessions`,
      ]) {
        const [method = '', path = ''] = route.split(' ')
        const answer = await fetch(app.url + path, { method, headers: bearer(admin.access_token) })
        await expectHarmless(answer.clone(), route.slice(0, 80))
        expect([400, 404, 414, 431], route.slice(0, 80)).toContain(answer.status)
      }
    }
    for (const id of ['a\0b', '\ud800', 'x'.repeat(513), '', 7, null, ['x'], { $ne: 1 }]) {
      const body = { kind: 'session', id, reason: 'x' }
      expect((await ask(app, 'POST /admin/revocations', { token: admin.access_token, body })).status).toBe(400)
    }
    const swapped = [
      { kind: 'session', id: person.user.id },
      { kind: 'subject', id: person.session_id },
      { kind: 'token', id: person.session_id },
    ]
    for (const body of swapped) {
      const answer = await ask(app, 'POST /admin/revocations', {
        token: admin.access_token,
        body: { ...body, reason: 'x' },
      })
      expect(answer.status).toBe(204)
    }
    for (const body of [{ kind: 'everything', id: person.user.id }, { kind: 'subject' }, { kind: 'all' }, {}]) {
      for (const route of ['POST /admin/revocations', 'POST /admin/revocations/preview']) {
        const sent = route.endsWith('s') ? { ...body, reason: 'x' } : body
        expect((await ask(app, route, { token: admin.access_token, body: sent })).status).toBe(400)
      }
    }
    expect((await app.get('/auth/status', person.access_token)).status).toBe(200)
    expect((await app.post('/auth/refresh', { refresh_token: person.refresh_token })).status).toBe(200)
  })
})
