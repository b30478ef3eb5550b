import type { Migration } from 'kysely'
import { users } from './0001-users.ts'

/** Every migration, applied in the order of the names. One that was released is never edited. */
export const migrations: Readonly<Record<string, Migration>> = { '0001-users': users }
