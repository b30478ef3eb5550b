import { usePostgres, useRedis } from './servers.ts'

/** A combination of stores that the service can be told to use, and how to get an empty one. */
export interface BackendUnderTest {
  readonly name: string
  /** To be called where hooks may be registered; answers the settings of an empty backend. */
  prepare(): () => Promise<Record<string, string>>
}

/** Every combination that behaviour must not differ between. */
export const backendsUnderTest: readonly BackendUnderTest[] = [
  { name: 'SQLite', prepare: () => async () => ({}) },
  {
    name: 'PostgreSQL',
    prepare() {
      const database = usePostgres()
      return async () => ({ DATABASE_URL: await database() })
    },
  },
  {
    name: 'SQLite and Redis',
    prepare() {
      const redis = useRedis()
      return async () => ({ REDIS_URL: redis() })
    },
  },
]
