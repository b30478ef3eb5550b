import type { Insertable, Kysely, Selectable } from 'kysely'
import type { Dialect } from '../migrations/dialect.ts'
import { asking } from '../storage-failure.ts'
import type { Tables, UsersTable } from './tables.ts'

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
}

/** A password's hash, and the one that takes its place. */
export interface PasswordReplacement {
  readonly id: string
  readonly from: string
  readonly to: string
}

/** The accounts kept. Every method rejects with `overloaded` when the database fails or does not answer. */
export interface Users {
  /** Atomic: of two that register one address at once, exactly one is `inserted`. */
  insert(user: UserRecord): Promise<'inserted' | 'email_taken'>
  byEmailKey(emailKey: string): Promise<UserRecord | null>
  byId(id: string): Promise<UserRecord | null>
  /** As {@link byId}, but waits for a change of the account that is under way to commit or to be rolled back. */
  byIdSettled(id: string): Promise<UserRecord | null>
  /** Atomic: `changed` when the hash is another one by now. */
  replacePassword(replacement: PasswordReplacement): Promise<'replaced' | 'changed'>
}

/** The accounts in a SQL database. */
export function createUsers(tables: Kysely<Tables>, dialect: Dialect): Users {
  const selectById = (id: string) => tables.selectFrom('users').selectAll().where('id', '=', id)
  return {
    async insert(user) {
      const insert = tables
        .insertInto('users')
        .values(toRow(user))
        .onConflict((conflict) => conflict.column('email_key').doNothing())
      const result = await asking(() => insert.executeTakeFirstOrThrow())
      return result.numInsertedOrUpdatedRows === 1n ? 'inserted' : 'email_taken'
    },
    async byEmailKey(emailKey) {
      const query = tables.selectFrom('users').selectAll().where('email_key', '=', emailKey)
      return fromRow(await asking(() => query.executeTakeFirst()))
    },
    async byId(id) {
      return fromRow(await asking(() => selectById(id).executeTakeFirst()))
    },
    async byIdSettled(id) {
      // SQLite lets a transaction of this process end first by itself: there is one connection.
      const query = dialect === 'postgres' ? selectById(id).forShare() : selectById(id)
      return fromRow(await asking(() => query.executeTakeFirst()))
    },
    async replacePassword({ id, from, to }) {
      const update = tables
        .updateTable('users')
        .set({ password_hash: to })
        .where('id', '=', id)
        .where('password_hash', '=', from)
      const { numUpdatedRows } = await asking(() => update.executeTakeFirst())
      return numUpdatedRows === 1n ? 'replaced' : 'changed'
    },
  }
}

function toRow(user: UserRecord): Insertable<UsersTable> {
  return {
    id: user.id,
    email: user.email,
    email_key: user.emailKey,
    email_verified: Number(user.emailVerified),
    password_hash: user.passwordHash,
    admin: Number(user.admin),
    registered_at_ms: user.registeredAtMs,
  }
}

function fromRow(row: Selectable<UsersTable> | undefined): UserRecord | null {
  if (row === undefined) return null
  return {
    id: row.id,
    email: row.email,
    emailKey: row.email_key,
    emailVerified: row.email_verified === 1,
    passwordHash: row.password_hash,
    admin: row.admin === 1,
    registeredAtMs: Number(row.registered_at_ms),
  }
}
