import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Backends } from '../src/backends.ts'
import { readConfig } from '../src/config.ts'
import { openBackends } from '../src/open-backends.ts'
import type { UserRecord } from '../src/repositories/users.ts'
import { backendsUnderTest } from './support/backends.ts'

describe.each(backendsUnderTest)('accounts in $name', ({ prepare }) => {
  const settings = prepare()
  let directory: string
  let backends: Backends
  // The same accounts, as another process has them.
  let elsewhere: Backends
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'rescind-users-'))
    const config = readConfig({ DATA_DIR: directory, ...(await settings()) })
    backends = await openBackends(config, () => {})
    elsewhere = await openBackends(config, () => {})
  })
  afterAll(async () => {
    await elsewhere.close()
    await backends.close()
    rmSync(directory, { recursive: true, force: true })
  })

  const userOf = (id: string, email = `${encodeURIComponent(id)}@example.test`): UserRecord => ({
    id,
    email,
    emailKey: email,
    emailVerified: false,
    passwordHash: `hash of ${id}`,
    admin: id === 'admin',
    registeredAtMs: 1_700_000_000_000,
    disabledAtMs: null,
    credentialVersion: 0,
  })
  const insert = async (id: string): Promise<UserRecord> => {
    const user = userOf(id)
    expect(await backends.database.users.insert(user)).toBe('inserted')
    return user
  }

  it('are found by id, each its own, however many are asked for at once', async () => {
    const { users } = backends.database
    const odd = ['admin', 'a"quote', "an'apostrophe", '{a,b}', 'a\\backslash', '["x"]', 'ä', 'NULL', '%']
    const ids = [...odd, ...Array.from({ length: 40 }, (_, number) => `user-${number}`)]
    const known = new Map<string, UserRecord>()
    for (const id of ids) known.set(id, await insert(id))
    // More than one query carries, with unknown ones among them and every one twice.
    const wished = [...ids, 'user-1\0', ...Array.from({ length: 1_200 }, (_, number) => `nobody-${number}`)]
    const found = await Promise.all([...wished, ...wished].map((id) => users.byId(id)))
    expect(found).toEqual([...wished, ...wished].map((id) => known.get(id) ?? null))
  })

  it('have ids and addresses of their own, whichever two of them would share at the same time', async () => {
    const insertAll = (users: readonly UserRecord[]) =>
      Promise.allSettled(users.map((user, at) => (at % 2 === 0 ? backends : elsewhere).database.users.insert(user)))
    const sorted = (outcomes: Awaited<ReturnType<typeof insertAll>>) =>
      outcomes
        .map((one) => (one.status === 'fulfilled' ? one.value : `${one.reason.code}: ${one.reason.message}`))
        .sort()
    const six = <T>(make: (at: number) => T) => Array.from({ length: 6 }, (_, at) => make(at))
    const idTaken = 'invalid_request: Another account has this id.'

    const byId = sorted(await insertAll(six((at) => userOf('shared', `shared-${at}@example.test`))))
    expect(byId).toEqual(['inserted', ...six(() => idTaken).slice(1)])
    const byAddress = sorted(await insertAll(six((at) => userOf(`rival-${at}`, 'rivals@example.test'))))
    expect(byAddress).toEqual([...six(() => 'email_taken').slice(1), 'inserted'])
    const same = sorted(await insertAll(six(() => userOf('twice'))))
    expect(same).toEqual([...six(() => 'email_taken').slice(1), 'inserted'])
    await backends.database.inTransaction(async ({ users }) => {
      await expect(users.insert(userOf('shared', 'late@example.test'))).rejects.toMatchObject({
        code: 'invalid_request',
      })
      expect(await users.insert(userOf('after that'))).toBe('inserted')
    })
  })

  it('get another password only as they were read', async () => {
    const { users } = backends.database
    const read = await insert('moving')
    const change = { id: read.id, from: read.passwordHash, to: 'another', credentialVersion: 0 }
    const moved = 'moved@example.test'
    await users.changeEmail(read.id, { address: moved, key: moved })
    expect(await users.replacePassword(change)).toBe('changed')
    await users.setDisabled(read.id, 1_700_000_000_001)
    expect(await users.replacePassword({ ...change, credentialVersion: 1 })).toBe('changed')
    expect(await users.replacePassword({ ...change, credentialVersion: 2 })).toBe('changed')
    await users.setDisabled(read.id, null)
    expect((await users.byId(read.id))?.passwordHash).toBe(read.passwordHash)
    expect(await users.replacePassword({ ...change, credentialVersion: 3 })).toBe('replaced')
  })

  it('are read as they are when they are asked for, also in a transaction', async () => {
    const { database } = backends
    const user = await insert('changing')
    await database.inTransaction(async ({ users }) => {
      const change = { id: user.id, from: user.passwordHash, to: 'another', credentialVersion: user.credentialVersion }
      expect(await users.replacePassword(change)).toBe('replaced')
      expect((await users.byId(user.id))?.passwordHash).toBe('another')
    })
    expect((await database.users.byId(user.id))?.passwordHash).toBe('another')
  })
})
