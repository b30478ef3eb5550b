import type { Store } from '../session/sessions.ts'
import { prepareDatabase, type SqliteLike } from './shared/sqlite-database.ts'
import { sqliteLedger } from './shared/sqlite-ledger.ts'
import { sqliteSessions } from './shared/sqlite-sessions.ts'

export type { SqliteLike, SqliteStatementLike } from './shared/sqlite-database.ts'

/** How {@link sqliteStore} behaves. */
export interface SqliteStoreOptions {
  /**
   * How often, in milliseconds, a follower looks for what other processes wrote; bounds their delay.
   * @default 20
   */
  readonly pollMs?: number
}

/**
 * Keeps ledger and sessions in a SQLite database: one file, several processes on one host. Sets WAL and
 * `synchronous=FULL` on the connection, so that what was acknowledged survives a power cut, and makes its tables
 * (`rescind_…`). The caller opens and closes the database.
 *
 * @param database a better-sqlite3 connection
 * @example
 * ```ts
 * import Database from 'better-sqlite3'
 * const auth = createRescind({ store: sqliteStore(new Database('rescind.db')), keys })
 * ```
 */
export function sqliteStore(database: SqliteLike, options: SqliteStoreOptions = {}): Store {
  const { durable } = prepareDatabase(database)
  const ledger = sqliteLedger(database, options.pollMs ?? 20)
  return {
    ledger,
    sessions: sqliteSessions(database, ledger),
    guarantees: { durable, shared: true },
    close: async () => {},
  }
}
