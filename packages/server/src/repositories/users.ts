import { type Insertable, type Kysely, type Selectable, sql, type UpdateObject } from 'kysely'
import { RescindError } from 'rescind'
import type { Dialect } from '../migrations/dialect.ts'
import type { EmailAddress } from '../services/email-address.ts'
import { asking } from '../storage-failure.ts'
import { gatheredLookup } from './gathered-lookup.ts'
import type { Tables, UsersTable } from './tables.ts'
import { type UserPageWish, userPages } from './user-pages.ts'

/** An account. */
export interface UserRecord {
  readonly id: string
  /** As it was typed, in Unicode normal form. */
  readonly email: string
  /** What two spellings of the same address share. */
  readonly emailKey: string
  readonly emailVerified: boolean
  readonly passwordHash: string
  readonly admin: boolean
  readonly registeredAtMs: number
  /** Since when nobody may enter it; `null`: it is open. */
  readonly disabledAtMs: number | null
  /** Counts the changes after which a login that was under way may not go on. */
  readonly credentialVersion: number
}

/** A password's hash, and the one that takes its place. */
export interface PasswordReplacement {
  readonly id: string
  readonly from: string
  readonly to: string
}

/** The accounts kept. Every method rejects with `overloaded` when the database fails or does not answer. */
export interface Users {
  /**
   * Atomic: of two that register one address or one id at once, exactly one is `inserted`. Rejects with `invalid_request`
   * where an account with another address has the id.
   */
  insert(user: UserRecord): Promise<'inserted' | 'email_taken'>
  byEmailKey(emailKey: string): Promise<UserRecord | null>
  byId(id: string): Promise<UserRecord | null>
  /** As {@link byId}, but waits for a change of the account that is under way to commit or to be rolled back. */
  byIdSettled(id: string): Promise<UserRecord | null>
  /** Locks the account until the end of the transaction, so that its changes come one after the other. */
  lock(id: string): Promise<UserRecord | null>
  /**
   * Atomic: `changed` when the hash is another one by now, or the account is no longer as it was read: its address
   * changed, or it was disabled.
   */
  replacePassword(
    replacement: PasswordReplacement & { readonly credentialVersion: number },
  ): Promise<'replaced' | 'changed'>
  /** The same password in another form: logins under way go on. */
  rehash(replacement: PasswordReplacement): Promise<void>
  /** Sets a password whoever held the account before, and the address as verified. */
  resetPassword(id: string, passwordHash: string): Promise<void>
  verifyEmail(id: string): Promise<void>
  /** Sets an address that was verified. Rejects with `overloaded` where another account has it. */
  changeEmail(id: string, email: EmailAddress): Promise<void>
  /** `null` enables it. */
  setDisabled(id: string, disabledAtMs: number | null): Promise<void>
  /** The hash of the account that follows a point in the order of ids; `null` where there is none at all. */
  someHash(point: string): Promise<string | null>
  isEmpty(): Promise<boolean>
  /** In the order of registration, newest first. */
  page(wish: UserPageWish): Promise<readonly UserRecord[]>
  counts(): Promise<{ readonly all: number; readonly disabled: number }>
  /** Locks all administrators until the end of the transaction. */
  lockAdmins(): Promise<readonly UserRecord[]>
}

/** The accounts in a SQL database. */
export function createUsers(tables: Kysely<Tables>, dialect: Dialect): Users {
  const selectById = (id: string) => tables.selectFrom('users').selectAll().where('id', '=', id)
  const byId = gatheredLookup(async (wished) => {
    // U+0000 is in no id here, and PostgreSQL would refuse the whole query for it. One text for any number of ids.
    const ids = wished.filter((id) => !id.includes('\0'))
    const isWished =
      dialect === 'postgres'
        ? sql<boolean>`id = ANY (${ids})`
        : sql<boolean>`id IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`
    const rows = await asking(() => tables.selectFrom('users').selectAll().where(isWished).execute())
    return new Map(rows.map((row) => [row.id, fromRow(row)]))
  })
  const set = async (id: string, values: UpdateObject<Tables, 'users'>): Promise<void> => {
    await asking(() => tables.updateTable('users').set(values).where('id', '=', id).execute())
  }
  return {
    async insert(user) {
      const insert = tables
        .insertInto('users')
        .values(toRow(user))
        .onConflict((conflict) => conflict.doNothing())
      const result = await asking(() => insert.executeTakeFirstOrThrow())
      if (result.numInsertedOrUpdatedRows === 1n) return 'inserted'
      // Accounts are never deleted: where it was the id, its account is there.
      const holder = await byId(user.id)
      if (holder === null || holder.emailKey === user.emailKey) return 'email_taken'
      throw idTaken()
    },
    async byEmailKey(emailKey) {
      const query = tables.selectFrom('users').selectAll().where('email_key', '=', emailKey)
      return orNull(await asking(() => query.executeTakeFirst()))
    },
    byId,
    async byIdSettled(id) {
      // SQLite lets a transaction of this process end first by itself: there is one connection.
      const query = dialect === 'postgres' ? selectById(id).forShare() : selectById(id)
      return orNull(await asking(() => query.executeTakeFirst()))
    },
    async lock(id) {
      // SQLite's transactions have the whole file to themselves.
      const query = dialect === 'postgres' ? selectById(id).forUpdate() : selectById(id)
      return orNull(await asking(() => query.executeTakeFirst()))
    },
    async replacePassword({ id, from, to, credentialVersion }) {
      const update = tables
        .updateTable('users')
        .set({ password_hash: to, ...laterVersion })
        .where('id', '=', id)
        .where('password_hash', '=', from)
        .where('credential_version', '=', credentialVersion)
        .where('disabled_at_ms', 'is', null)
      const { numUpdatedRows } = await asking(() => update.executeTakeFirst())
      return numUpdatedRows === 1n ? 'replaced' : 'changed'
    },
    async rehash({ id, from, to }) {
      const update = tables.updateTable('users').set({ password_hash: to }).where('id', '=', id)
      await asking(() => update.where('password_hash', '=', from).execute())
    },
    resetPassword: (id, passwordHash) => set(id, { password_hash: passwordHash, email_verified: 1, ...laterVersion }),
    verifyEmail: (id) => set(id, { email_verified: 1 }),
    changeEmail: (id, { address, key }) =>
      set(id, { email: address, email_key: key, email_verified: 1, ...laterVersion }),
    setDisabled: (id, disabledAtMs) => set(id, { disabled_at_ms: disabledAtMs, ...laterVersion }),
    async someHash(point) {
      const hashes = tables.selectFrom('users').select('password_hash').orderBy('id').limit(1)
      const next = await asking(() => hashes.where('id', '>=', point).executeTakeFirst())
      return (next ?? (await asking(() => hashes.executeTakeFirst())))?.password_hash ?? null
    },
    async isEmpty() {
      const query = tables.selectFrom('users').select('id').limit(1)
      return (await asking(() => query.executeTakeFirst())) === undefined
    },
    page: userPages(tables, { dialect, read: fromRow }),
    async counts() {
      // Apart, so that an index answers each: together they would read every row.
      const users = tables.selectFrom('users').select(({ fn }) => fn.countAll().as('count'))
      const countOf = async (query: typeof users) => (await asking(() => query.executeTakeFirstOrThrow())).count
      const [all, disabled] = await Promise.all([
        countOf(users),
        countOf(users.where('disabled_at_ms', 'is not', null)),
      ])
      return { all: Number(all), disabled: Number(disabled) }
    },
    async lockAdmins() {
      // In one order, so that two who lock them do not wait for each other.
      const admins = tables.selectFrom('users').selectAll().where('admin', '=', 1).orderBy('id')
      const query = dialect === 'postgres' ? admins.forUpdate() : admins
      return (await asking(() => query.execute())).map(fromRow)
    },
  }
}

/** An id belongs to another account. */
export function idTaken(): RescindError {
  return new RescindError('invalid_request', 'Another account has this id.')
}

const laterVersion = { credential_version: sql<number>`credential_version + 1` }

function toRow(user: UserRecord): Insertable<UsersTable> {
  return {
    id: user.id,
    email: user.email,
    email_key: user.emailKey,
    email_verified: Number(user.emailVerified),
    password_hash: user.passwordHash,
    admin: Number(user.admin),
    registered_at_ms: user.registeredAtMs,
    disabled_at_ms: user.disabledAtMs,
    credential_version: user.credentialVersion,
  }
}

function orNull(row: Selectable<UsersTable> | undefined): UserRecord | null {
  return row === undefined ? null : fromRow(row)
}

function fromRow(row: Selectable<UsersTable>): UserRecord {
  return {
    id: row.id,
    email: row.email,
    emailKey: row.email_key,
    emailVerified: row.email_verified === 1,
    passwordHash: row.password_hash,
    admin: row.admin === 1,
    registeredAtMs: Number(row.registered_at_ms),
    disabledAtMs: row.disabled_at_ms === null ? null : Number(row.disabled_at_ms),
    credentialVersion: row.credential_version,
  }
}
