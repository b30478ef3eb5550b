import BetterSqlite3 from 'better-sqlite3'
import { Kysely, Migrator, SqliteDialect } from 'kysely'
import { migrations } from './migrations/index.ts'
import type { Tables } from './repositories/tables.ts'

/** Opens a database file so that what was committed survives a power cut. */
export function openSqlite(path: string): BetterSqlite3.Database {
  const database = new BetterSqlite3(path, { timeout: 5000 })
  database.pragma('journal_mode = WAL')
  // NORMAL would lose the last commits of a WAL at a power cut, an acknowledged logout among them.
  database.pragma('synchronous = FULL')
  database.pragma('foreign_keys = ON')
  return database
}

/** The query builder over `database`, migrated to the newest schema. Destroying it closes `database`. */
export async function openTables(database: BetterSqlite3.Database): Promise<Kysely<Tables>> {
  const tables = new Kysely<Tables>({ dialect: new SqliteDialect({ database }) })
  const provider = { getMigrations: async () => migrations }
  const migrator = new Migrator({ db: tables, provider, disableTransactions: true })
  try {
    // Kysely takes no lock on SQLite: of two services that start at once, both would run the same migration. This is the
    // write lock of the file, taken before the first look at what was applied.
    database.exec('BEGIN IMMEDIATE')
    const { error } = await migrator.migrateToLatest()
    if (error !== undefined) throw error
    database.exec('COMMIT')
    return tables
  } catch (error) {
    // Closing the connection rolls back what was begun.
    await tables.destroy()
    throw error
  }
}
