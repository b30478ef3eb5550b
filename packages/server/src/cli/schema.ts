import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Kysely, Migrator, PostgresDialect, SqliteDialect, sql } from 'kysely'
import { type Config, ConfigError } from '../config.ts'
import { type Dialect, migrationsFor } from '../migrations/index.ts'
import type { Tables } from '../repositories/tables.ts'
import { startFailure } from '../start-failure.ts'
import { describeFailure } from '../storage-failure.ts'

/** One step of the schema. */
export interface MigrationStep {
  readonly name: string
  /** `null`: it is yet to be applied. */
  readonly appliedAtMs: number | null
  /** False where a newer version has applied it. */
  readonly isKnown: boolean
}

/** The steps of the accounts' database, in their order. Changes nothing, and makes no database. */
export function schemaSteps(config: Config): Promise<readonly MigrationStep[]> {
  return withMigrator(config, async (migrator, tables) => {
    const known = (await migrator.getMigrations()).map(({ name, executedAt }) => ({
      name,
      appliedAtMs: executedAt?.getTime() ?? null,
      isKnown: true,
    }))
    if (known.every(({ appliedAtMs }) => appliedAtMs === null)) return known
    const { rows } = await sql<{ name: string; timestamp: string }>`
      SELECT name, timestamp FROM kysely_migration ORDER BY name`.execute(tables)
    const newer = rows.flatMap(({ name, timestamp }) =>
      known.some((step) => step.name === name) ? [] : [{ name, appliedAtMs: Date.parse(timestamp), isKnown: false }],
    )
    return [...known, ...newer]
  })
}

/** Takes a step back, with what it holds; `changed` where it is no longer the last that was applied. */
export function migrateDown(config: Config, name: string): Promise<'done' | 'changed'> {
  return withMigrator(config, async (migrator) => {
    const last = (await migrator.getMigrations()).findLast(({ executedAt }) => executedAt !== undefined)
    if (last?.name !== name) return 'changed'
    const { error } = await migrator.migrateDown()
    if (error !== undefined) throw error
    return 'done'
  })
}

type SchemaWork<T> = (migrator: Migrator, tables: Kysely<Tables>) => Promise<T>

/** Opens the database as it is, does the work while no other process migrates, and closes it. Throws ConfigError. */
function withMigrator<T>(config: Config, work: SchemaWork<T>): Promise<T> {
  return config.databaseUrl === undefined ? inFile(config.dataDir, work) : onServer(config.databaseUrl, work)
}

async function inFile<T>(dataDir: string, work: SchemaWork<T>): Promise<T> {
  const { openSqlite } = await import('../sqlite-database.ts')
  const path = join(dataDir, 'rescind.db')
  try {
    // What is not there yet is looked at as an empty one.
    const connection = openSqlite(existsSync(path) ? path : ':memory:')
    const tables = new Kysely<Tables>({ dialect: new SqliteDialect({ database: connection }) })
    try {
      // The write lock of the file: Kysely takes none on SQLite. Closing the connection rolls back what was begun.
      connection.exec('BEGIN IMMEDIATE')
      const result = await work(migratorFor(tables, 'sqlite'), tables)
      connection.exec('COMMIT')
      return result
    } finally {
      await tables.destroy()
    }
  } catch (error) {
    const { message } = describeFailure(error)
    throw new ConfigError(`DATA_DIR holds ${JSON.stringify(dataDir)}, where rescind.db cannot be used (${message})`)
  }
}

const CONNECT_TIMEOUT_MS = 5_000
const MIGRATION_TIMEOUT_MS = 60_000

async function onServer<T>(url: string, work: SchemaWork<T>): Promise<T> {
  const { Pool } = await import('pg')
  const { closePostgresPool } = await import('../postgres-database.ts')
  // Two connections: Kysely holds one for the lock while it asks on the other.
  const pool = new Pool({
    connectionString: url,
    application_name: 'rescind',
    max: 2,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: MIGRATION_TIMEOUT_MS,
  })
  // Unheard, the event of a broken connection would end the process.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  try {
    const tables = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
    return await work(migratorFor(tables, 'postgres'), tables)
  } catch (error) {
    throw startFailure({ variable: 'DATABASE_URL', url }, error)
  } finally {
    await closePostgresPool(pool)
  }
}

function migratorFor(tables: Kysely<Tables>, dialect: Dialect): Migrator {
  const provider = { getMigrations: async () => migrationsFor(dialect) }
  return new Migrator({ db: tables, provider, disableTransactions: dialect === 'sqlite' })
}
