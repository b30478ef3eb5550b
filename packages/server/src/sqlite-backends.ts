import { join } from 'node:path'
import { sqliteStore } from 'rescind/stores/sqlite'
import type { Backends } from './backends.ts'
import { type Config, ConfigError } from './config.ts'
import type { Database } from './database.ts'
import { openSqlite, openSqliteDatabase } from './sqlite-database.ts'
import { describeFailure } from './storage-failure.ts'

/** Everything in one file, in `DATA_DIR`. */
export async function openSqliteBackends(config: Config): Promise<Backends> {
  const database = await openAccountsFile(config)
  // A connection of its own: on a shared one, an acknowledged revocation could be rolled back with a transaction of the
  // service that was open around it.
  const ledger = openSqlite(databasePath(config))
  return {
    database,
    store: sqliteStore(ledger),
    isOneDatabase: true,
    mirror: null,
    probe: () => database.probe(),
    startFailure: (error) => fileFailure(config, error),
    async close() {
      await database.close()
      ledger.close()
    },
  }
}

/** The accounts in a file in `DATA_DIR`. */
export async function openAccountsFile(config: Config): Promise<Database> {
  try {
    return await openSqliteDatabase(openSqlite(databasePath(config)))
  } catch (error) {
    throw fileFailure(config, error)
  }
}

function databasePath(config: Config): string {
  return join(config.dataDir, 'rescind.db')
}

function fileFailure(config: Config, error: unknown): ConfigError {
  const { message } = describeFailure(error)
  return new ConfigError(
    `DATA_DIR holds ${JSON.stringify(config.dataDir)}, where rescind.db cannot be used (${message}); it may hold another`,
  )
}
