import { randomBytes } from 'node:crypto'
import BetterSqlite3 from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { prepareConnection } from 'rescind/stores/sqlite'
import { type Database, migrate, type TransactionScope } from './database.ts'
import { STORAGE_DEADLINE_MS } from './deadline.ts'
import { createRepositories } from './repositories/repositories.ts'
import type { Tables } from './repositories/tables.ts'
import { asking } from './storage-failure.ts'

/** Opens a database file so that what was committed survives a power cut. */
export function openSqlite(path: string): BetterSqlite3.Database {
  const connection = new BetterSqlite3(path, { timeout: 5000 })
  prepareConnection(connection)
  connection.pragma('foreign_keys = ON')
  return connection
}

// For how long a statement may wait for another process's write, in milliseconds: this process does nothing else
// meanwhile.
const BUSY_TIMEOUT_MS = 100

/** The accounts on a connection of their own, migrated to the newest schema. Closing them closes it. */
export async function openSqliteDatabase(connection: BetterSqlite3.Database): Promise<Database> {
  const tables = new Kysely<Tables>({ dialect: new SqliteDialect({ database: connection }) })
  await migrateAlone(connection, tables)
  connection.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`)
  return {
    ...createRepositories(tables, 'sqlite'),
    inTransaction: (work) => asking(() => inTransaction(connection, tables, work)),
    async probe() {
      await asking(() => writeProbe(tables))
    },
    close: () => tables.destroy(),
  }
}

async function migrateAlone(connection: BetterSqlite3.Database, tables: Kysely<Tables>): Promise<void> {
  try {
    // Kysely takes no lock on SQLite: of two services that start at once, both would run the same migration. This is the
    // write lock of the file, taken before the first look at what was applied.
    connection.exec('BEGIN IMMEDIATE')
    await migrate(tables, 'sqlite', { inTransaction: true })
    connection.exec('COMMIT')
  } catch (error) {
    // Closing the connection rolls back what was begun.
    connection.close()
    throw error
  }
}

/** There is one connection: whatever else is asked of the accounts meanwhile waits for the transaction to end. */
function inTransaction<T>(
  connection: BetterSqlite3.Database,
  tables: Kysely<Tables>,
  work: (scope: TransactionScope) => Promise<T>,
): Promise<T> {
  const giveUpAt = performance.now() + STORAGE_DEADLINE_MS
  return tables.connection().execute(async (within) => {
    // It may have waited for another one for as long as its caller did.
    if (performance.now() > giveUpAt) throw new Error('the transaction came too late')
    await begin(connection, giveUpAt)
    try {
      const result = await work({ ...createRepositories(within, 'sqlite'), tables: within, transaction: connection })
      // The caller has been told that nothing may have come of it: let it be so.
      if (performance.now() > giveUpAt) throw new Error('the transaction took too long')
      connection.exec('COMMIT')
      return result
    } catch (error) {
      // SQLite has rolled back by itself after some failures, a full disk for one.
      if (connection.inTransaction) connection.exec('ROLLBACK')
      throw error
    }
  })
}

const LAST_LOCK_RETRY_MS = 20

/** Takes the write lock at once, and while another process has it, waits without holding up this one. */
async function begin(connection: BetterSqlite3.Database, giveUpAt: number): Promise<void> {
  for (let retryMs = 1; !tryBegin(connection, giveUpAt); retryMs = Math.min(LAST_LOCK_RETRY_MS, retryMs * 2)) {
    await new Promise((resolve) => setTimeout(resolve, retryMs * (0.5 + Math.random())))
  }
}

function tryBegin(connection: BetterSqlite3.Database, giveUpAt: number): boolean {
  connection.pragma('busy_timeout = 0')
  try {
    connection.exec('BEGIN IMMEDIATE')
    return true
  } catch (error) {
    const isBusy = error instanceof BetterSqlite3.SqliteError && error.code.startsWith('SQLITE_BUSY')
    if (!isBusy || performance.now() > giveUpAt) throw error
    return false
  } finally {
    connection.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`)
  }
}

// As much as the end of a session writes, and never the same twice: SQLite leaves alone what does not change. On a full
// disk a smaller write may still fit where no real one does.
const PROBE_BYTES = 16_384

async function writeProbe(tables: Kysely<Tables>): Promise<void> {
  const filler = randomBytes(PROBE_BYTES / 2).toString('hex')
  await tables
    .insertInto('probes')
    .values({ name: 'write', filler })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ filler }))
    .execute()
}
