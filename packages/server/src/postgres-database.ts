import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient, type PostgresQueryResult } from 'kysely'
import { Pool, type PoolClient } from 'pg'
import { type Database, migrate, type TransactionScope } from './database.ts'
import { STORAGE_DEADLINE_MS, withDeadline } from './deadline.ts'
import { createRepositories } from './repositories/repositories.ts'
import type { Tables } from './repositories/tables.ts'
import { asking, describeFailure } from './storage-failure.ts'

// Up to three of them are taken by followers: this process's copy of the ledger, the mirror, and the feed for resource
// servers.
const MAX_CONNECTIONS = 12
// Requests are answered by their own deadline. This one is for the connection that a query hangs on: it is given up, and
// the next query gets another.
const QUERY_TIMEOUT_MS = 3_000
// What PostgreSQL ends a transaction after whose client has gone silent: a machine that vanished would lock accounts
// until TCP notices.
const MAX_SILENCE_MS = 2_000
// What waits for a lock for longer has been given up by whoever asked for it.
const MAX_LOCK_WAIT_MS = 1_000
const START_TIMEOUT_MS = 5_000
const MIGRATION_TIMEOUT_MS = 60_000
const CLOSE_TIMEOUT_MS = 1_000

/** Makes a pool of connections; none is opened yet. `onWarning` hears of those that break. */
export function openPostgresPool(url: string, onWarning: (message: string) => void): Pool {
  const pool = new Pool({
    connectionString: url,
    application_name: 'rescind',
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: STORAGE_DEADLINE_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    keepAlive: true,
  })
  return outlivingConnections(pool, (error) => {
    const { code, message } = describeFailure(error)
    onWarning(`a connection to PostgreSQL broke: ${message}${code === undefined ? '' : ` (${code})`}`)
  })
}

/** Hears of every connection that breaks: unheard, the event would end the process. In use, it also rejects a query. */
function outlivingConnections(pool: Pool, onIdleError: (error: Error) => void): Pool {
  pool.on('error', onIdleError)
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

/** Ends a pool, but waits no longer than a second for connections that no longer answer. */
export async function closePostgresPool(pool: Pool): Promise<void> {
  await withDeadline(pool.end(), CLOSE_TIMEOUT_MS).catch(() => {})
}

/**
 * Brings the schema of the accounts up to date. It takes connections of its own, since a migration may take longer than
 * any query of a request; services that start together do it one after the other (Kysely takes an advisory lock).
 */
export async function migratePostgres(url: string): Promise<void> {
  const pool = new Pool({
    connectionString: url,
    application_name: 'rescind',
    max: 2,
    connectionTimeoutMillis: START_TIMEOUT_MS,
    query_timeout: MIGRATION_TIMEOUT_MS,
  })
  outlivingConnections(pool, () => {})
  try {
    await migrate(new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) }), 'postgres')
  } finally {
    await closePostgresPool(pool)
  }
}

/** The accounts in a database that was migrated. The pool stays its maker's to end. */
export function postgresDatabase(pool: Pool): Database {
  const tables = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: careful(pool) }) })
  return {
    ...createRepositories(tables, 'postgres'),
    inTransaction: (work) => asking(() => inTransaction(pool, work)),
    async probe() {
      const filler = String(Date.now())
      await asking(() =>
        tables
          .insertInto('probes')
          .values({ name: 'write', filler })
          .onConflict((conflict) => conflict.column('name').doUpdateSet({ filler }))
          .execute(),
      )
    },
    close: async () => {},
  }
}

async function inTransaction<T>(pool: Pool, work: (scope: TransactionScope) => Promise<T>): Promise<T> {
  const giveUpAt = performance.now() + STORAGE_DEADLINE_MS
  const client = await pool.connect()
  try {
    // Each statement sees what was committed before it, whatever the server's default is: row locks rely on it.
    await client.query(
      `BEGIN ISOLATION LEVEL READ COMMITTED;
       SET LOCAL idle_in_transaction_session_timeout = ${MAX_SILENCE_MS}; SET LOCAL lock_timeout = ${MAX_LOCK_WAIT_MS}`,
    )
    const tables = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: onlyClient(client) }) })
    const result = await work({ ...createRepositories(tables, 'postgres'), tables, transaction: client })
    // The caller has been told that nothing may have come of it: let it be so.
    if (performance.now() > giveUpAt) throw new Error('the transaction took too long')
    const { command } = await client.query('COMMIT')
    // What PostgreSQL answers when a statement within had failed.
    if (command !== 'COMMIT') throw new Error('the transaction was rolled back')
    client.release()
    return result
  } catch (error) {
    // Not waited for: on a connection that hangs, the caller would wait with it.
    client.query('ROLLBACK').then(
      () => client.release(),
      () => client.release(true),
    )
    throw error
  }
}

/** The pool as Kysely sees it: a connection on which something other than the SQL failed does not go back into it. */
function careful(pool: Pool): PostgresPool {
  return {
    async connect() {
      const client = await pool.connect()
      let broken = false
      const failed = (error: unknown) => {
        broken ||= !isSqlError(error)
      }
      return kyselyClient(client, { failed, release: () => client.release(broken) })
    },
    end: async () => {},
  }
}

/** A pool that is one client, which stays its owner's to release. */
function onlyClient(client: PoolClient): PostgresPool {
  return { connect: async () => kyselyClient(client, { failed: () => {}, release: () => {} }), end: async () => {} }
}

function kyselyClient(
  client: PoolClient,
  { failed, release }: { failed: (error: unknown) => void; release: () => void },
): PostgresPoolClient {
  const query = async <Row>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<Row>> => {
    try {
      const result: unknown = await client.query(text, [...parameters])
      return result as PostgresQueryResult<Row>
    } catch (error) {
      failed(error)
      throw error
    }
  }
  // Kysely's other form of `query` reads through cursors, which are not set up.
  return { query: query as PostgresPoolClient['query'], release }
}

/** True where the server refused a statement and nothing more: the connection is whole. */
function isSqlError(error: unknown): boolean {
  return error instanceof Error && 'severity' in error && error.severity === 'ERROR'
}
