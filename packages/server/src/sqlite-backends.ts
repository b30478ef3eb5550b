import { join } from 'node:path'
import { sqliteStore } from 'rescind/stores/sqlite'
import type { Backends, Warn } from './backends.ts'
import { openingAll } from './closers.ts'
import { type Config, ConfigError } from './config.ts'
import type { Database } from './database.ts'
import { openSqlite, openSqliteDatabase } from './sqlite-database.ts'
import { describeFailure } from './storage-failure.ts'

/** Everything in one file, in `DATA_DIR`. */
export function openSqliteBackends(config: Config, onWarning: Warn): Promise<Backends> {
  return openingAll(onWarning, async (closers) => {
    const database = await openAccountsFile(config)
    closers.add('the accounts', () => database.close())
    // A connection of its own: on a shared one, an acknowledged revocation could be rolled back with a transaction of
    // the service that was open around it.
    const ledger = openLedger(config)
    closers.add('the sessions and revocations', () => void ledger.close())
    return {
      database,
      store: sqliteStore(ledger),
      isOneDatabase: true,
      mirror: null,
      probe: () => database.probe(),
      startFailure: (error) => fileFailure(config, error),
      close: closers.close,
    }
  })
}

function openLedger(config: Config): ReturnType<typeof openSqlite> {
  try {
    return openSqlite(databasePath(config))
  } catch (error) {
    throw fileFailure(config, error)
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
