import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { createKeyRing, createRescind, generateKey, type Rescind, RescindError } from 'rescind'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Backends } from '../src/backends.ts'
import { readConfig } from '../src/config.ts'
import { openBackends } from '../src/open-backends.ts'
import type { UserRecord } from '../src/repositories/users.ts'
import { changesAcrossStores, changesInOneTransaction } from '../src/services/account-changes.ts'
import { openSqlite } from '../src/sqlite-database.ts'
import { backendsUnderTest } from './support/backends.ts'
import { query } from './support/servers.ts'

let directory: string
let backends: Backends
let auth: Rescind
let databaseUrl: string | undefined
let users = 0

async function open(settings: Record<string, string>) {
  databaseUrl = settings.DATABASE_URL
  backends = await openBackends(readConfig({ DATA_DIR: directory, ...settings }), () => {})
  auth = createRescind({ store: backends.store, keys: createKeyRing({ active: generateKey('EdDSA') }) })
  await auth.ready()
}

async function insertUser(): Promise<UserRecord> {
  users += 1
  const email = `user-${users}@example.test`
  const user: UserRecord = {
    id: `user-${users}`,
    email,
    emailKey: email,
    emailVerified: false,
    passwordHash: 'old',
    admin: false,
    registeredAtMs: 1_700_000_000_000 + users,
    disabledAtMs: null,
    credentialVersion: 0,
  }
  expect(await backends.database.users.insert(user)).toBe('inserted')
  return user
}

const replaced = (id: string) => ({ id, from: 'old', to: 'new', credentialVersion: 0 })
const hashOf = async (id: string) => (await backends.database.users.byId(id))?.passwordHash
const isAlive = (token: string) =>
  auth.verify(token).then(
    () => true,
    () => false,
  )

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rescind-transactions-'))
})
afterEach(async () => {
  await auth.close()
  await backends.close()
  rmSync(directory, { recursive: true, force: true })
})

/** Runs SQL as an operator would, on a connection of its own. */
async function operator(statement: string): Promise<void> {
  if (databaseUrl !== undefined) {
    await query(databaseUrl, statement)
    return
  }
  const connection = openSqlite(join(directory, 'rescind.db'))
  connection.exec(statement)
  connection.close()
}

const transactional = backendsUnderTest.filter(({ name }) => name !== 'SQLite and Redis')

describe.each(transactional)('a transaction over $name', ({ name, prepare }) => {
  const settings = prepare()
  beforeEach(async () => open(await settings()))

  it('keeps an account as it was given', async () => {
    const user = await insertUser()
    expect(await backends.database.users.byId(user.id)).toEqual(user)
    expect(await backends.database.users.byEmailKey(user.emailKey)).toEqual(user)
  })

  it('commits the change and the revocation together', async () => {
    const { id } = await insertUser()
    const { accessToken } = await auth.issue({ sub: id })
    const outcome = await changesInOneTransaction(auth, backends.database).endingSessions({ sub: id }, (within) =>
      within.users.replacePassword(replaced(id)),
    )
    expect(outcome).toBe('replaced')
    expect(await hashOf(id)).toBe('new')
    expect(await isAlive(accessToken)).toBe(false)
  })

  it('rolls both back when something fails after them', async () => {
    const { id } = await insertUser()
    const { accessToken, refreshToken } = await auth.issue({ sub: id })
    const fails = backends.database.inTransaction(async ({ users: within, transaction }) => {
      await within.replacePassword(replaced(id))
      expect((await auth.revoke.within(transaction).subject(id)).ended).toBe(1)
      throw new TypeError('a mistake')
    })
    await expect(fails).rejects.toMatchObject({ code: 'overloaded', cause: { message: 'a mistake' } })
    expect(await hashOf(id)).toBe('old')
    expect(await isAlive(accessToken)).toBe(true)
    expect((await auth.refresh(refreshToken)).sub).toBe(id)
  })

  it('rolls the change back when the ledger refuses the revocation', async () => {
    const { id } = await insertUser()
    const { accessToken } = await auth.issue({ sub: id })
    await operator(
      name === 'SQLite'
        ? `CREATE TRIGGER refuse BEFORE INSERT ON rescind_revocations BEGIN SELECT RAISE(ABORT, 'refused'); END`
        : 'ALTER TABLE rescind_revocations ADD CHECK (false) NOT VALID',
    )
    const fails = changesInOneTransaction(auth, backends.database).endingSessions({ sub: id }, (within) =>
      within.users.replacePassword(replaced(id)),
    )
    await expect(fails).rejects.toMatchObject({ code: 'revocation_unavailable' })
    expect(await hashOf(id)).toBe('old')
    expect(await isAlive(accessToken)).toBe(true)
  })

  it('does not take a statement that failed for one that worked', async () => {
    const { id } = await insertUser()
    const swallowed = backends.database.inTransaction(async ({ users: within, tables }) => {
      await within.replacePassword(replaced(id))
      await sql`SELECT no_such_column FROM users`.execute(tables).catch(() => {})
    })
    // SQLite goes on after a failed statement, PostgreSQL commits nothing.
    if (name === 'SQLite') await swallowed
    else await expect(swallowed).rejects.toMatchObject({ code: 'overloaded' })
    expect(await hashOf(id)).toBe(name === 'SQLite' ? 'new' : 'old')
  })

  it('leaves nothing behind, however many fail', async () => {
    const { id } = await insertUser()
    const fail = () => backends.database.inTransaction(() => Promise.reject(new Error('no')))
    for (let round = 0; round < 5; round += 1) {
      const outcomes = await Promise.allSettled(Array.from({ length: 8 }, fail))
      expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true)
    }
    const works = await backends.database.inTransaction(({ users: within }) => within.replacePassword(replaced(id)))
    expect(works).toBe('replaced')
  })

  it('is waited for by who asks for the account as it will be', async () => {
    const { id } = await insertUser()
    let settled: Promise<UserRecord | null> = Promise.resolve(null)
    await backends.database.inTransaction(async ({ users: within }) => {
      await within.replacePassword(replaced(id))
      settled = backends.database.users.byIdSettled(id)
      // Time for an answer that did not wait to be there before the commit.
      await (name === 'SQLite' ? new Promise(setImmediate) : backends.database.users.byEmailKey('nobody'))
    })
    expect((await settled)?.passwordHash).toBe('new')
  })

  it('gives up on a lock that is held too long, and says so', async () => {
    const { id } = await insertUser()
    const held = await holdLock(id)
    const change = () => backends.database.inTransaction(({ users: within }) => within.replacePassword(replaced(id)))
    await expect(change()).rejects.toMatchObject({ code: 'overloaded' })
    await held.release()
    expect(await hashOf(id)).toBe('old')
    await expect.poll(async () => change().catch(() => 'waiting')).toBe('replaced')
  })
})

/** Another process's transaction that is open on the account. */
async function holdLock(id: string): Promise<{ release(): Promise<void> }> {
  if (databaseUrl === undefined) {
    const connection = openSqlite(join(directory, 'rescind.db'))
    connection.exec('BEGIN IMMEDIATE')
    return {
      async release() {
        connection.exec('ROLLBACK')
        connection.close()
      },
    }
  }
  const { Client } = await import('pg')
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query('BEGIN')
  await client.query('SELECT * FROM users WHERE id = $1 FOR UPDATE', [id])
  return {
    async release() {
      await client.query('ROLLBACK')
      await client.end()
    },
  }
}

describe('without a common transaction, over SQLite and Redis', () => {
  const settings = backendsUnderTest.find(({ name }) => name === 'SQLite and Redis')?.prepare()
  beforeEach(async () => open((await settings?.()) ?? {}))

  it('a revocation cannot be made part of one', async () => {
    const { id } = await insertUser()
    const fails = changesInOneTransaction(auth, backends.database).endingSessions({ sub: id }, (within) =>
      within.users.replacePassword(replaced(id)),
    )
    await expect(fails).rejects.toMatchObject({ code: 'invalid_config' })
    expect(await hashOf(id)).toBe('old')
  })

  it('sessions end before the change commits, and once more after it', async () => {
    const { id } = await insertUser()
    const early = await auth.issue({ sub: id })
    const seen: unknown[] = []
    let late = early
    // What another process does just before the commit: it still finds the old password, and lets somebody in.
    const interrupted: Rescind = {
      ...auth,
      revoke: {
        ...auth.revoke,
        async subject(sub, reach) {
          const ended = await auth.revoke.subject(sub, reach)
          if (seen.length === 0) {
            seen.push(committedHashOf(id), await isAlive(early.accessToken))
            late = await auth.issue({ sub: id })
          }
          return ended
        },
      },
    }
    await changesAcrossStores(interrupted, backends.database).endingSessions({ sub: id }, (within) =>
      within.users.replacePassword(replaced(id)),
    )
    expect(seen).toEqual(['old', false])
    expect(committedHashOf(id)).toBe('new')
    expect(late).not.toBe(early)
    expect(await isAlive(late.accessToken)).toBe(false)
  })

  it('a change that fails leaves the password as it was', async () => {
    const { id } = await insertUser()
    const fails = changesAcrossStores(auth, backends.database).endingSessions({ sub: id }, async (within) => {
      await within.users.replacePassword(replaced(id))
      throw new RescindError('invalid_credentials', 'no')
    })
    await expect(fails).rejects.toMatchObject({ code: 'invalid_credentials' })
    expect(committedHashOf(id)).toBe('old')
  })
})

function committedHashOf(id: string): unknown {
  const connection = openSqlite(join(directory, 'rescind.db'))
  try {
    return connection.prepare('SELECT password_hash FROM users WHERE id = ?').pluck().get(id)
  } finally {
    connection.close()
  }
}
