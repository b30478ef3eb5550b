import { type Kysely, Migrator } from 'kysely'
import { RescindError, type Transaction } from 'rescind'
import { type Dialect, migrationsFor } from './migrations/index.ts'
import type { Repositories } from './repositories/repositories.ts'
import type { Tables } from './repositories/tables.ts'

/** The database that holds the accounts: the service's own tables. */
export interface Database extends Repositories {
  /**
   * Runs the work in one transaction, which commits when the work resolves. The repositories are those within it, `tables`
   * is its query builder, and `transaction` the driver's form of it, as `auth.revoke.within` takes it. Whatever fails
   * rolls it back. Rejects with `overloaded` when the database does not answer in time; whether a commit that was under
   * way then came to pass is not known.
   */
  inTransaction<T>(work: (scope: TransactionScope) => Promise<T>): Promise<T>
  /** Resolves when the database answers and takes writes. */
  probe(): Promise<void>
  close(): Promise<void>
}

/** What runs within a transaction. */
export interface TransactionScope extends Repositories {
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
  if (error !== undefined) throw migrationFailure(error)
}

// Kysely finds it before it applies anything.
const OF_A_NEWER_VERSION = /^corrupted migrations: previously executed migration (\S+) is missing$/

/** A migration that this program does not have was applied by a newer one, whose tables this one cannot know. */
function migrationFailure(error: unknown): unknown {
  const name = error instanceof Error ? OF_A_NEWER_VERSION.exec(error.message)?.[1] : undefined
  if (name === undefined) return error
  return new RescindError('invalid_config', `a newer version of rescind has changed it (${name}): start that version`)
}
