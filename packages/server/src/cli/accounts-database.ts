import type { Config } from '../config.ts'
import type { Database } from '../database.ts'
import { startFailure } from '../start-failure.ts'
import { configurationOf, enterDataDirectory } from './stores.ts'
import type { Terminal } from './terminal.ts'

/**
 * Opens the database that the service's configuration names, does the work and closes it. The service may run meanwhile.
 *
 * @throws ConfigError for what the operator can mend
 */
export async function withAccountsDatabase<T>(
  terminal: Terminal,
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const config = configurationOf(terminal)
  enterDataDirectory(terminal, config)
  const { database, close } = await openAccountsDatabase(config)
  try {
    return await work(database)
  } finally {
    await close()
  }
}

async function openAccountsDatabase(config: Config): Promise<{ database: Database; close(): Promise<void> }> {
  // A driver takes a tenth of a second to load: only the one that is used is.
  const url = config.databaseUrl
  if (url === undefined) {
    const { openAccountsFile } = await import('../sqlite-backends.ts')
    const database = await openAccountsFile(config)
    return { database, close: () => database.close() }
  }
  const { closePostgresPool, migratePostgres, openPostgresPool, postgresDatabase } = await import(
    '../postgres-database.ts'
  )
  await migratePostgres(url).catch((error: unknown) => {
    throw startFailure({ variable: 'DATABASE_URL', url }, error)
  })
  const pool = openPostgresPool(url, () => {})
  return { database: postgresDatabase(pool), close: () => closePostgresPool(pool) }
}
