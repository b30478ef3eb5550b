import { configError } from '../base/errors.ts'
import type { Store } from '../session/sessions.ts'
import type { PgLike } from './postgres/client.ts'
import { postgresDatabase } from './postgres/database.ts'
import { postgresLedger } from './postgres/ledger.ts'
import { postgresRecords } from './postgres/records.ts'
import { inspectServer } from './postgres/server.ts'
import { postgresSessions } from './postgres/sessions.ts'

export type { PgClientLike, PgLike, PgQuery, PgQueryable, PgResult } from './postgres/client.ts'

/** How {@link postgresStore} behaves. */
export interface PostgresStoreOptions {
  /**
   * The schema that holds the tables (`rescind_…`). It is made on first use, as the tables are, where it is missing.
   * @default 'public'
   */
  readonly schema?: string
  /**
   * How often, in milliseconds, a follower looks for new records without having been told of any; bounds their delay
   * when a notification is lost, or where a pooler between the two lets none through.
   * @default 250
   */
  readonly pollMs?: number
  /**
   * Whether the server may keep the most frequent statements prepared. They then cost it a tenth; a pooler that hands
   * out connections by the transaction, and does not know prepared statements, fails them.
   * @default true
   */
  readonly preparedStatements?: boolean
}

/**
 * Keeps ledger and sessions in PostgreSQL: any number of processes and machines. Appends are told to followers by
 * `NOTIFY`. `append` and `end` can join a transaction of the caller's: pass the client it is open on as `within`. They
 * hold a lock until it commits that every other append waits for, so let them be the last thing it does.
 *
 * The caller makes and ends the pool, gives it a `connectionTimeoutMillis`, and listens to its `error` event. A process
 * that follows keeps one of its connections.
 *
 * @param pool a `pg.Pool` connected to the primary
 * @example
 * ```ts
 * import { Pool } from 'pg'
 * const pool = new Pool({ connectionString, connectionTimeoutMillis: 2_000 })
 * pool.on('error', (error) => log.warn(error))
 * const auth = createRescind({ store: postgresStore(pool), keys })
 * ```
 */
export function postgresStore(pool: PgLike, options: PostgresStoreOptions = {}): Store {
  const { schema = 'public', pollMs = 250, preparedStatements = true } = options
  if (!Number.isSafeInteger(pollMs) || pollMs < 1 || pollMs > 60_000) {
    throw configError('pollMs must be a whole number of milliseconds from 1 to 60000')
  }
  const database = postgresDatabase(pool, schema)
  const records = postgresRecords(database.names, preparedStatements)
  return {
    ledger: postgresLedger(database, records, pollMs),
    sessions: postgresSessions(database, records),
    guarantees: { durable: true, shared: true },
    inspect: () => inspectServer(pool),
    close: async () => {},
  }
}
