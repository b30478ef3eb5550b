import { type Kysely, Migrator } from 'kysely'
import type { Transaction } from 'rescind'
import { type Dialect, migrationsFor } from './migrations/index.ts'
import type { Tables } from './repositories/tables.ts'
import type { Users } from './repositories/users.ts'

/** The database that holds the accounts: the service's own tables. */
export interface Database {
  readonly users: Users
  /**
   * Runs the work in one transaction, which commits when the work resolves. `users` are the accounts within it, `tables`
   * its query builder, and `transaction` the driver's form of it, as `auth.revoke.within` takes it. Whatever fails
   * rolls it back. Rejects with `overloaded` when the database does not answer in time; whether a commit that was under
   * way then came to pass is not known.
   */
  inTransaction<T>(work: (scope: TransactionScope) => Promise<T>): Promise<T>
  /** Resolves when the database answers and takes writes. */
  probe(): Promise<void>
  close(): Promise<void>
}

/** What runs within a transaction. */
export interface TransactionScope {
  readonly users: Users
  readonly tables: Kysely<Tables>
  readonly transaction: Transaction
}

/** Brings the tables to the newest schema. `inTransaction` is for a caller that has one open already. */
export async function migrate(
  tables: Kysely<Tables>,
  dialect: Dialect,
  options: { inTransaction?: boolean } = {},
): Promise<void> {
  const provider = { getMigrations: async () => migrationsFor(dialect) }
  const migrator = new Migrator({ db: tables, provider, disableTransactions: options.inTransaction ?? false })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) throw error
}
