import type { Migration } from 'kysely'
import { users } from './0001-users.ts'
import { probes } from './0002-probes.ts'
import type { Dialect } from './dialect.ts'

export type { Dialect } from './dialect.ts'

/** Every migration, applied in the order of the names. One that was released is never edited. */
export function migrationsFor(dialect: Dialect): Record<string, Migration> {
  return { '0001-users': users(dialect), '0002-probes': probes(dialect) }
}
