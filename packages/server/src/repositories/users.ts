import type { Kysely, Selectable } from 'kysely'
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

/** The accounts kept. */
export interface Users {
  /** Atomic: of two that register one address at once, exactly one is `inserted`. */
  insert(user: UserRecord): Promise<'inserted' | 'email_taken'>
  byEmailKey(emailKey: string): Promise<UserRecord | null>
  byId(id: string): Promise<UserRecord | null>
}

/** The accounts in a SQL database. */
export function createUsers(tables: Kysely<Tables>): Users {
  return {
    async insert(user) {
      const result = await tables
        .insertInto('users')
        .values(toRow(user))
        .onConflict((conflict) => conflict.column('email_key').doNothing())
        .executeTakeFirstOrThrow()
      return result.numInsertedOrUpdatedRows === 1n ? 'inserted' : 'email_taken'
    },
    async byEmailKey(emailKey) {
      const row = await tables.selectFrom('users').selectAll().where('email_key', '=', emailKey).executeTakeFirst()
      return row === undefined ? null : fromRow(row)
    },
    async byId(id) {
      const row = await tables.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst()
      return row === undefined ? null : fromRow(row)
    },
  }
}

function toRow(user: UserRecord): UsersTable {
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

function fromRow(row: Selectable<UsersTable>): UserRecord {
  return {
    id: row.id,
    email: row.email,
    emailKey: row.email_key,
    emailVerified: row.email_verified === 1,
    passwordHash: row.password_hash,
    admin: row.admin === 1,
    registeredAtMs: row.registered_at_ms,
  }
}
