import { redisStore } from 'rescind/stores/redis'
import type { Backends, Warn } from './backends.ts'
import { openingAll } from './closers.ts'
import type { Config } from './config.ts'
import { STORAGE_DEADLINE_MS, withDeadline } from './deadline.ts'
import { connectRedis } from './redis-connection.ts'
import { openAccountsFile } from './sqlite-backends.ts'
import { startFailure } from './start-failure.ts'

// In the slot of the store's own keys, which begin with {rescind}: as well.
const PROBE_KEY = '{rescind}:probe'

/** The accounts in a file in `DATA_DIR`, sessions and revocations in Redis. */
export function openRedisBackends(config: Config, url: string, onWarning: Warn): Promise<Backends> {
  const server = { variable: 'REDIS_URL', url } as const
  return openingAll(onWarning, async (closers) => {
    const database = await openAccountsFile(config)
    closers.add('the accounts', () => database.close())
    const redis = await connectRedis(url, { required: true, onWarning }).catch((error: unknown) => {
      throw startFailure(server, error)
    })
    closers.add('the connection to Redis', () => redis.close())
    const store = redisStore(redis.client, { commandTimeoutMs: STORAGE_DEADLINE_MS })
    closers.add('the sessions and revocations', () => store.close())
    return {
      database,
      store,
      isOneDatabase: false,
      mirror: null,
      async probe() {
        await Promise.all([database.probe(), withDeadline(redis.client.set(PROBE_KEY, '1'), STORAGE_DEADLINE_MS)])
      },
      startFailure: (error) => startFailure(server, error),
      close: closers.close,
    }
  })
}
