import { mkdirSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import { createKeyRing, createRescind, type KeyRing } from 'rescind'
import { createApp } from './app.ts'
import type { Backends } from './backends.ts'
import { type Config, ConfigError } from './config.ts'
import { openBackends } from './open-backends.ts'
import { createReadiness } from './readiness.ts'
import { changesAcrossStores, changesInOneTransaction } from './services/account-changes.ts'
import { createPasswords } from './services/passwords.ts'
import { loadSigningKey } from './signing-key.ts'
import { timelyRescind } from './timely-rescind.ts'
import { createWriteHealth } from './write-health.ts'

// However often it is refreshed, a login ends; but not before its first refresh token does.
const MIN_SESSION_SECONDS = 90 * 86_400

/** The service on what its configuration names, ready to listen. */
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
  const warnings = createWarnings()
  const backends = await openBackends(config, warnings.warn)
  try {
    return await compose({ config, keys, backends, warnings, logStream })
  } catch (error) {
    await backends.close()
    throw error
  }
}

async function compose(parts: {
  config: Config
  keys: KeyRing
  backends: Backends
  warnings: Warnings
  logStream: { write(line: string): void }
}): Promise<Service> {
  const { config, keys, backends, warnings, logStream } = parts
  const { database, store } = backends
  const writes = createWriteHealth(backends.probe)
  const rescind = createRescind({
    store,
    keys,
    issuer: config.issuer,
    accessTtlSeconds: config.accessTtlSeconds,
    refreshTtlSeconds: config.refreshTtlSeconds,
    sessionTtlSeconds: Math.max(config.refreshTtlSeconds, MIN_SESSION_SECONDS),
    maxStalenessMs: config.maxStalenessMs,
    onUnavailable: config.onUnavailable,
    onWarning: warnings.warn,
  })
  await rescind.ready().catch((error: unknown) => {
    throw backends.startFailure(error)
  })
  const auth = timelyRescind(rescind, writes)
  const app = await createApp({
    auth,
    users: database.users,
    changes: backends.isOneDatabase ? changesInOneTransaction(auth, database) : changesAcrossStores(auth, database),
    readiness: createReadiness({ auth, users: database.users, writes, mirror: backends.mirror?.status ?? null }),
    passwords: createPasswords(),
    registration: config.registration,
    revocationFeed:
      config.serviceTokens.length === 0 ? undefined : { ledger: store.ledger, serviceTokens: config.serviceTokens },
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
      await backends.close()
    },
  }
}

type Warnings = ReturnType<typeof createWarnings>

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
