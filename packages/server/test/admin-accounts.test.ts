import { createKeyRing, createRescind, generateKey, systemClock } from 'rescind'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAccountAdministration } from '../src/services/account-administration.ts'
import { changesAcrossStores } from '../src/services/account-changes.ts'
import { createOperators } from '../src/services/operators/create-operators.ts'
import type { Act, Operators } from '../src/services/operators/operators.ts'
import { createPasswords } from '../src/services/passwords.ts'
import { type AdminApp, startAdminApp } from './support/admin-app.ts'
import { logIn } from './support/admins.ts'
import { backendsUnderTest } from './support/backends.ts'
import { newEmail, PASSWORD } from './support/start-app.ts'

const act: Act = { actor: { kind: 'command_line', id: 'root', ip: null }, reason: 'a test' }

describe.each(backendsUnderTest.slice(0, 2))('accounts that operators make, over $name', ({ prepare }) => {
  const settings = prepare()
  let app: AdminApp
  let operators: Operators
  let passwordHash: string
  let end: () => Promise<void>
  beforeAll(async () => {
    app = await startAdminApp({ settings: await settings() })
    const { database, store } = app
    const auth = createRescind({ store, keys: createKeyRing({ active: generateKey('EdDSA') }) })
    end = () => auth.close()
    let count = 0
    const parts = { database, clock: systemClock, newId: () => `made-${++count}` }
    const changes = changesAcrossStores(auth, database)
    const passwords = createPasswords()
    passwordHash = await passwords.hash(PASSWORD)
    operators = createOperators({
      ...parts,
      auth,
      administration: createAccountAdministration({ ...parts, changes }),
      passwords,
      keys: null,
      ledger: store.ledger,
    })
  })
  afterAll(async () => {
    await end()
    await app.close()
  })

  const lastEntries = async (limit: number) => (await operators.audit.list({ limit })).items

  it('are made by the rules of registration, and may be an administrator', async () => {
    const email = newEmail()
    const user = await operators.users.create(act, { email, password: PASSWORD, admin: true })
    expect(await logIn(app, email)).toMatchObject({ user: { id: user.id, admin: true, email_verified: true } })
    const entry = { actorKind: 'command_line', actorId: 'root', targetKind: 'user', reason: 'a test', outcome: 'asked' }
    expect(await lastEntries(1)).toMatchObject([{ ...entry, action: 'admin.create', targetId: user.id }])

    const { items: before } = await operators.audit.list({})
    for (const [wish, code] of [
      [{ email: 'no address', password: PASSWORD }, 'invalid_request'],
      [{ email: newEmail(), password: '7-chars' }, 'invalid_request'],
      [{ email: newEmail(), password: 'x'.repeat(129) }, 'invalid_request'],
      [{ email: newEmail(), password: 'password1234' }, 'password_too_weak'],
    ] as const) {
      await expect(operators.users.create(act, { ...wish, admin: false })).rejects.toMatchObject({ code })
    }
    expect((await operators.audit.list({})).items).toEqual(before)
    const again = operators.users.create(act, { email: email.toUpperCase(), password: PASSWORD, admin: false })
    await expect(again).rejects.toMatchObject({ code: 'email_taken' })
    const [failed, asked] = await lastEntries(2)
    expect(failed).toMatchObject({ action: 'user.create', outcome: 'failed', failureCode: 'email_taken' })
    expect(failed?.failureOf).toBe(asked?.id)
  })

  it('are imported once, with their id, and never over another one', async () => {
    const email = newEmail()
    const account = { email, passwordHash, id: 'old-system|17', registeredAtMs: 1_000 }
    expect(await operators.users.import(act, account)).toBe('imported')
    expect(await lastEntries(1)).toMatchObject([{ action: 'user.import', targetId: 'old-system|17' }])
    expect(await operators.users.import(act, account)).toBe('email_taken')
    expect(await operators.users.import(act, { email: email.toUpperCase(), passwordHash })).toBe('email_taken')
    expect(await logIn(app, email)).toMatchObject({ user: { id: 'old-system|17' } })
    const [failed, asked] = await lastEntries(2)
    expect(failed).toMatchObject({ action: 'user.import', outcome: 'failed', failureCode: 'email_taken' })
    expect(failed?.failureOf).toBe(asked?.id)
    for (const wrong of [
      { ...account, email: newEmail() },
      { ...account, email: newEmail(), id: '.' },
      { ...account, email: newEmail(), id: '..' },
      ...[Number.NaN, -1, 1.5, 8.64e15, 1e300].map((registeredAtMs) => ({
        email: newEmail(),
        passwordHash,
        registeredAtMs,
      })),
      { ...account, email: newEmail(), id: '' },
      { ...account, email: newEmail(), id: 'a\0b' },
      { ...account, email: newEmail(), id: 'x'.repeat(101) },
      { email: newEmail(), passwordHash: 'plain text' },
      { email: 'no address', passwordHash },
    ]) {
      await expect(operators.users.import(act, wrong)).rejects.toMatchObject({ code: 'invalid_request' })
    }
  })

  it('are found by their address, in any spelling, among many that hold it', async () => {
    const email = newEmail()
    const { user } = await app.register(email)
    await app.register(`x${email}`)
    for (const spelling of [email, email.toUpperCase(), email.replace('p', 'ｐ')]) {
      expect((await operators.users.byAddress(spelling)).id).toBe(user.id)
    }
    for (const address of [email.slice(1), `${email}x`, ` ${email}`, user.id, '', '%', 'a\0@b.test', 'x'.repeat(300)]) {
      await expect(operators.users.byAddress(address), address).rejects.toMatchObject({ code: 'not_found' })
    }
  })

  it('have sessions that end one by one', async () => {
    const first = await app.register()
    const second = await logIn(app, first.user.email)
    await operators.sessions.end(act, first.session_id)
    await expect.poll(async () => (await app.get('/auth/status', first.access_token)).status).toBe(401)
    expect((await app.get('/auth/status', second.access_token)).status).toBe(200)
    for (const sid of [first.session_id, 'unknown', 'a\0b']) {
      await expect(operators.sessions.end(act, sid)).rejects.toMatchObject({ code: 'not_found' })
    }
  })
})
