import type { Store } from 'rescind'
import { postgresStore } from 'rescind/stores/postgres'
import type { Backends, Warn } from './backends.ts'
import type { Config } from './config.ts'
import { closePostgresPool, migratePostgres, openPostgresPool, postgresDatabase } from './postgres-database.ts'
import type { RevocationMirror } from './revocation-mirror.ts'
import { startFailure } from './start-failure.ts'

/** Everything in PostgreSQL, and with a Redis a copy of the revocations there. */
export async function openPostgresBackends(config: Config, url: string, onWarning: Warn): Promise<Backends> {
  const server = { variable: 'DATABASE_URL', url } as const
  await migratePostgres(url).catch((error: unknown) => {
    throw startFailure(server, error)
  })
  const pool = openPostgresPool(url, onWarning)
  const database = postgresDatabase(pool)
  const store = postgresStore(pool)
  const mirror = config.redisUrl === undefined ? null : await openMirror(config, config.redisUrl, { store, onWarning })
  return {
    database,
    store,
    isOneDatabase: true,
    mirror,
    probe: () => database.probe(),
    startFailure: (error) => startFailure(server, error),
    async close() {
      await mirror?.stop()
      await store.close()
      await database.close()
      await closePostgresPool(pool)
    },
  }
}

async function openMirror(
  config: Config,
  url: string,
  parts: { store: Store; onWarning: Warn },
): Promise<RevocationMirror> {
  const { openRedisMirror } = await import('./redis-mirror.ts')
  return openRedisMirror(url, {
    source: parts.store.ledger,
    maxLagMs: config.maxStalenessMs,
    onWarning: parts.onWarning,
  })
}
