import type { Backends, Warn } from './backends.ts'
import type { Config } from './config.ts'

/**
 * Opens what the configuration names:
 *
 * | `DATABASE_URL` | `REDIS_URL` | accounts | sessions and revocations |
 * | --- | --- | --- | --- |
 * | unset | unset | SQLite | SQLite |
 * | unset | set | SQLite | Redis |
 * | PostgreSQL | unset | PostgreSQL | PostgreSQL |
 * | PostgreSQL | set | PostgreSQL | PostgreSQL, and a copy of the revocations in Redis |
 *
 * @throws ConfigError in one line, without secrets
 */
export async function openBackends(config: Config, onWarning: Warn): Promise<Backends> {
  // A driver takes a tenth of a second to load: only the one that is used is.
  if (config.databaseUrl !== undefined) {
    const { openPostgresBackends } = await import('./postgres-backends.ts')
    return openPostgresBackends(config, config.databaseUrl, onWarning)
  }
  if (config.redisUrl !== undefined) {
    const { openRedisBackends } = await import('./redis-backends.ts')
    return openRedisBackends(config, config.redisUrl, onWarning)
  }
  const { openSqliteBackends } = await import('./sqlite-backends.ts')
  return openSqliteBackends(config, onWarning)
}
