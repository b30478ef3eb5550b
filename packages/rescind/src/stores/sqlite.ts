import { boundedNumber } from '../base/config.ts'
import type { Store } from '../session/sessions.ts'
import { prepareDatabase, type SqliteLike } from './sqlite/database.ts'
import { sqliteLedger } from './sqlite/ledger.ts'
import { sqliteSessions } from './sqlite/sessions.ts'

export { prepareConnection, type SqliteLike, type SqliteStatementLike } from './sqlite/database.ts'

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
 * (`rescind_…`). The caller opens and closes the database, and gives the store a connection of its own: work of the
 * caller's that is open around a revocation could roll it back after it was acknowledged. To revoke within a
 * transaction on purpose, pass the connection that has it open (to the same file) as `within`.
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
  const pollMs = boundedNumber('pollMs', options.pollMs ?? 20, { min: 1, max: 60_000, unit: 'milliseconds' })
  return {
    ledger: sqliteLedger(database, pollMs),
    sessions: sqliteSessions(database),
    guarantees: { durable, shared: true },
    close: async () => {},
  }
}
