import type { Store } from 'rescind'
import { postgresStore } from 'rescind/stores/postgres'
import type { Backends, Warn } from './backends.ts'
import { openingAll } from './closers.ts'
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
  return openingAll(onWarning, async (closers) => {
    const pool = openPostgresPool(url, onWarning)
    closers.add('the connections to PostgreSQL', () => closePostgresPool(pool))
    const database = postgresDatabase(pool)
    closers.add('the accounts', () => database.close())
    const store = postgresStore(pool)
    closers.add('the sessions and revocations', () => store.close())
    const mirror =
      config.redisUrl === undefined ? null : await openMirror(config, config.redisUrl, { store, onWarning })
    if (mirror !== null) closers.add('the mirror of the revocations', () => mirror.stop())
    return {
      database,
      store,
      isOneDatabase: true,
      mirror,
      probe: () => database.probe(),
      startFailure: (error) => startFailure(server, error),
      close: closers.close,
    }
  })
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
