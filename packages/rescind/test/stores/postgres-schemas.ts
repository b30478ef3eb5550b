import { randomBytes } from 'node:crypto'
import { Pool, type PoolConfig } from 'pg'
import type { Store } from 'rescind'
import { type PostgresStoreOptions, postgresStore } from 'rescind/stores/postgres'
import { afterAll, beforeAll } from 'vitest'
import { postgresForTests } from '../../../../tools/servers/postgres.mjs'

/** A schema that one test has to itself, and any number of pools on it. */
export interface TestSchema {
  readonly name: string
  readonly pool: Pool
  /** Another pool, as another process would have one. */
  openPool(config?: PoolConfig): Pool
  openStore(pool?: Pool, options?: PostgresStoreOptions): Store
  dispose(): Promise<void>
}

/** One server for the tests of a file; answers how to open a schema on it. */
export function useSchemas(): () => Promise<TestSchema> {
  let server: Awaited<ReturnType<typeof postgresForTests>> | undefined
  beforeAll(async () => {
    server = await postgresForTests()
  })
  afterAll(async () => {
    await server?.dispose()
  })
  return async () => openSchema(server?.url ?? '')
}

/** Opens an empty schema on a server. */
export function openSchema(url: string): TestSchema {
  const name = `test_${randomBytes(6).toString('hex')}`
  const pools: Pool[] = []
  const openPool = (config: PoolConfig = {}) => {
    const pool = new Pool({ connectionString: url, connectionTimeoutMillis: 5_000, max: 45, ...config })
    // Connections break in some tests; what rests in the pool then is nobody's loss.
    pool.on('error', () => {})
    pools.push(pool)
    return pool
  }
  const pool = openPool()
  return {
    name,
    pool,
    openPool,
    openStore: (on = pool, options = {}) => postgresStore(on, { schema: name, ...options }),
    async dispose() {
      await pool.query(`DROP SCHEMA IF EXISTS "${name}" CASCADE`)
      await Promise.all(pools.map((each) => each.end()))
    },
  }
}
