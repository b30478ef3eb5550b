import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { createKeyRing, createRescind } from 'rescind'
import { sqliteStore } from 'rescind/stores/sqlite'
import { createApp } from './app.ts'
import { type Config, ConfigError } from './config.ts'
import { openSqlite, openTables } from './database.ts'
import { createUsers } from './repositories/users.ts'
import { createPasswords } from './services/passwords.ts'
import { loadSigningKey } from './signing-key.ts'

// However often it is refreshed, a login ends; but not before its first refresh token does.
const MIN_SESSION_SECONDS = 90 * 86_400

/** The service on its data directory, ready to listen. */
export interface Service {
  readonly app: FastifyInstance
  /** Lets requests in flight end, but no longer than this many milliseconds; then closes all. */
  close(drainMs: number): Promise<void>
}

/**
 * Opens everything the configuration names.
 *
 * @throws ConfigError for what the operator can mend
 */
export async function createService(config: Config, logStream: { write(line: string): void }): Promise<Service> {
  makeDataDirectory(config.dataDir)
  const keys = createKeyRing({ active: loadSigningKey(config) })
  const path = join(config.dataDir, 'rescind.db')
  const tables = await openTables(openSqlite(path))
  // A connection of its own: on a shared one, an acknowledged revocation could be rolled back with a transaction of the
  // service that was open around it.
  const ledger = openSqlite(path)
  const warnings = createWarnings()
  const auth = createRescind({
    store: sqliteStore(ledger),
    keys,
    issuer: config.issuer,
    accessTtlSeconds: config.accessTtlSeconds,
    refreshTtlSeconds: config.refreshTtlSeconds,
    sessionTtlSeconds: Math.max(config.refreshTtlSeconds, MIN_SESSION_SECONDS),
    maxStalenessMs: config.maxStalenessMs,
    onUnavailable: config.onUnavailable,
    onWarning: warnings.warn,
  })
  await auth.ready()
  const app = await createApp({
    auth,
    users: createUsers(tables),
    passwords: createPasswords(),
    registration: config.registration,
    log: { level: config.logLevel, stream: logStream },
  })
  warnings.sendTo((message) => app.log.warn(message))
  return {
    app,
    async close(drainMs) {
      const deadline = setTimeout(() => app.server.closeAllConnections(), drainMs)
      await app.close()
      clearTimeout(deadline)
      await auth.close()
      await tables.destroy()
      ledger.close()
    },
  }
}

// The library warns of a weak key before there is a log to write to.
function createWarnings() {
  const early: string[] = []
  let send = (message: string): void => {
    early.push(message)
  }
  return {
    warn: (message: string) => send(message),
    sendTo(log: (message: string) => void) {
      send = log
      for (const message of early) log(message)
    },
  }
}

function makeDataDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown error'
    throw new ConfigError(
      `DATA_DIR holds ${JSON.stringify(path)}, which cannot be made (${reason}); it may hold the path of a directory`,
    )
  }
}
