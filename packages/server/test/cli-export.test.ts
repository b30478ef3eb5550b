import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NewSession } from 'rescind'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../src/config.ts'
import { openBackends } from '../src/open-backends.ts'
import { type AdminApp, startAdminApp } from './support/admin-app.ts'
import { ask } from './support/admins.ts'
import { backendsUnderTest } from './support/backends.ts'
import { rescind, rescindJson } from './support/command-line.ts'
import { bearer } from './support/start-app.ts'

type Line = Readonly<Record<string, unknown>>

describe.each(backendsUnderTest)('what is kept over $name', ({ prepare }) => {
  const settings = prepare()
  let directory: string
  let env: Record<string, string>
  let app: AdminApp
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'rescind-cli-export-'))
    env = { DATA_DIR: directory, ...(await settings()) }
    app = await startAdminApp({ settings: env })
  })
  afterAll(async () => {
    await app.close()
    rmSync(directory, { recursive: true, force: true })
  })

  const exported = async (...words: string[]): Promise<readonly Line[]> => {
    const { code, stdout, stderr } = await rescind(['export', ...words], env)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line)
  }

  it('is exported as lines of JSON, with hashes only where they are asked for, and leaves a trace', async () => {
    const [kept, ended] = [await app.register(), await app.register()]
    expect((await rescind(['session', 'revoke', ended.session_id, '--reason', 'drill'], env)).code).toBe(0)

    const lines = await exported('--reason', 'backup')
    const users = lines.filter(({ type }) => type === 'user')
    expect(users.map(({ id }) => id)).toEqual(expect.arrayContaining([kept.user.id, ended.user.id]))
    expect(lines.filter(({ type }) => type === 'session')).toEqual([
      expect.objectContaining({ id: kept.session_id, user_id: kept.user.id, ip: '127.0.0.1' }),
    ])
    expect(lines).toContainEqual(
      expect.objectContaining({ type: 'revocation', kind: 'session', id: ended.session_id, reason: 'drill' }),
    )
    expect(lines).toContainEqual(
      expect.objectContaining({
        type: 'audit',
        action: 'data.export',
        actor: { kind: 'command_line', id: 'operator', ip: null },
        reason: 'backup',
      }),
    )
    expect(JSON.stringify(lines)).not.toMatch(/\$argon2|eyJ/)

    const withHashes = await exported('--only', 'users', '--with-password-hashes')
    expect(withHashes.length).toBe(users.length)
    for (const { password_hash } of withHashes) expect(password_hash).toMatch(/^\$argon2id\$/)
    const audit = await exported('--only', 'audit')
    expect(audit).toContainEqual(expect.objectContaining({ action: 'data.export_with_password_hashes' }))
    expect(new Set(audit.map(({ type }) => type))).toEqual(new Set(['audit']))
  })

  it('is exported as the routes for operators show it, so that one program reads both', async () => {
    const { access_token: token, user, session_id: sid } = await app.admin()
    const person = await app.register()
    await app.post('/auth/logout', undefined, bearer(person.access_token))
    const at = Date.now()
    const until = { at, expiresAt: at + 3_600_000 }
    await app.store.ledger.append([
      { kind: 'subject', id: 'somebody', before: at, except: 'spared', by: 'admin', reason: 'phished', ...until },
      { kind: 'everything', before: 1, ...until },
    ])
    for (const action of ['disable', 'disable']) {
      await ask(app, `POST /admin/users/${person.user.id}/${action}`, { token, body: { reason: 'left' } })
    }
    await ask(app, `POST /admin/users/${user.id}/disable`, { token })
    const shown = async (path: string, name: string) =>
      ((await ask(app, `GET ${path}`, { token })).body as Record<string, Line[]>)[name]
    const listed = {
      user: await shown('/admin/users?limit=200', 'users'),
      revocation: await shown('/admin/revocations?limit=200', 'revocations'),
      audit: await shown('/admin/audit?limit=200', 'entries'),
      session: (await shown(`/admin/users/${user.id}/sessions`, 'sessions'))?.map(
        ({ current: _, ...others }) => others,
      ),
    }
    const lines = await exported()
    const ofType = (wanted: string) =>
      lines.filter(({ type }) => type === wanted).map(({ type: _, ...resource }) => resource)
    expect(ofType('user')).toEqual(listed.user)
    expect(ofType('revocation')).toEqual(listed.revocation)
    // The export itself is in the log by now.
    expect(ofType('audit').slice(1)).toEqual(listed.audit)
    const own = ofType('session').filter(({ id }) => id === sid)
    expect(own).toEqual([
      { ...listed.session?.[0], user_id: user.id, current: false, last_used_at: expect.any(String) },
    ])
  })

  it('tells who made and deleted a client, and why', async () => {
    const made = await rescind(['client', 'create', '--name', 'gate', '--scope', 'introspect', '--reason', 'one'], env)
    const id = /^client_id +(\S+)$/m.exec(made.stdout)?.[1] ?? ''
    expect((await rescind(['client', 'delete', id, '--reason', 'two'], env)).code).toBe(0)
    const [deleted, created] = await exported('--only', 'audit', '--reason', 'look').then((lines) => lines.slice(1))
    const who = { actor: { kind: 'command_line', id: 'operator', ip: null }, outcome: 'asked' }
    expect(created).toMatchObject({ ...who, action: 'client.create', reason: 'one' })
    expect(deleted).toMatchObject({ ...who, action: 'client.delete', target: { kind: 'client', id }, reason: 'two' })
    expect(JSON.stringify(await exported('--only', 'audit'))).not.toContain('rescind_secret')
  })

  it('is pruned of what has expired, and of nothing else', async () => {
    // Without a running service, which would forget it by itself.
    const still = { DATA_DIR: join(directory, 'still'), ...(await settings()) }
    const nowMs = Date.now()
    const old = { at: nowMs - 9_000, expiresAt: nowMs - 5_000 }
    const session = (sid: string, endsAtMs: number): NewSession => ({
      sid,
      sub: 'nobody',
      createdAtMs: nowMs - 9_000,
      lastUsedAtMs: nowMs - 9_000,
      expiresAtMs: endsAtMs,
      endsAtMs,
      ip: null,
      userAgent: null,
      refreshHash: sid,
    })
    await rescind(['migrate', 'up'], still)
    const stores = await openBackends(readConfig(still), () => {})
    try {
      await stores.store.ledger.append([
        ...Array.from({ length: 700 }, (_, at) => ({ kind: 'session', id: `old-${at}`, ...old }) as const),
        { kind: 'session', id: 'living', at: nowMs, expiresAt: nowMs + 60_000 },
      ])
      await stores.store.sessions.start([session('over', nowMs - 5_000), session('open', nowMs + 60_000)])
    } finally {
      await stores.close()
    }
    expect(await rescindJson(['prune'], still)).toEqual({ revocations: 700, sessions: 1 })
    const left = await rescind(['export', '--only', 'revocations'], still)
    expect(left.stdout).toMatch(/^{[^\n]+"id":"living"[^\n]+}\n$/)
    const again = await rescind(['prune'], still)
    expect(again).toEqual({ code: 0, stdout: 'revocations  0\nsessions     0\n', stderr: '' })
  })
})
