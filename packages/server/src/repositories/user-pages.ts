import { setImmediate } from 'node:timers/promises'
import { type Kysely, type Selectable, sql } from 'kysely'
import type { Dialect } from '../migrations/dialect.ts'
import { asking } from '../storage-failure.ts'
import type { Tables, UsersTable } from './tables.ts'

/** The point in the list of accounts, newest first, after which a page begins. */
export interface UserPlace {
  readonly registeredAtMs: number
  readonly id: string
}

/** A part of the list of accounts. */
export interface UserPageWish {
  /** A part of the e-mail's key, or the whole id. @default all accounts */
  readonly query?: { readonly emailKey: string; readonly id: string } | undefined
  readonly after: UserPlace | null
  readonly limit: number
}

// Looking through so many holds up a process on SQLite for a few milliseconds.
const LOOKED_THROUGH_AT_ONCE = 10_000

/**
 * Answers pages of accounts, newest first. No index finds a part of an address, so for a query all accounts are looked
 * through: some at a time, so that other requests are let through, and no statement takes too long.
 */
export function userPages<User>(
  tables: Kysely<Tables>,
  { dialect, read }: { dialect: Dialect; read: (row: Selectable<UsersTable>) => User },
): (wish: UserPageWish) => Promise<readonly User[]> {
  const isAfter = ({ registeredAtMs, id }: UserPlace) =>
    sql<boolean>`(registered_at_ms, id) < (${registeredAtMs}, ${id})`
  // Not as the contrary of the above, for which no index is used: a step would look through all that is left.
  const isNotAfter = ({ registeredAtMs, id }: UserPlace) =>
    sql<boolean>`(registered_at_ms, id) >= (${registeredAtMs}, ${id})`
  // Not LIKE, which would take some characters of an address for a pattern.
  const positionOf = dialect === 'postgres' ? sql.raw('strpos') : sql.raw('instr')

  const newest = (after: UserPlace | null) => {
    const rows = tables.selectFrom('users').orderBy('registered_at_ms', 'desc').orderBy('id', 'desc')
    return after === null ? rows : rows.where(isAfter(after))
  }
  /** The last of those that are looked through next; `null` where they are the last ones. */
  const endOfStep = async (after: UserPlace | null): Promise<UserPlace | null> => {
    const query = newest(after).select(['registered_at_ms', 'id']).offset(LOOKED_THROUGH_AT_ONCE).limit(1)
    const row = await asking(() => query.executeTakeFirst())
    return row === undefined ? null : { registeredAtMs: Number(row.registered_at_ms), id: row.id }
  }

  return async ({ query, after, limit }) => {
    if (query === undefined) return (await asking(() => newest(after).selectAll().limit(limit).execute())).map(read)
    const matches = sql<boolean>`(${positionOf}(email_key, ${query.emailKey}) > 0 OR id = ${query.id})`
    const found: User[] = []
    for (let from = after; ; ) {
      const end = await endOfStep(from)
      const step = newest(from)
        .selectAll()
        .where(matches)
        .limit(limit - found.length)
      const rows = end === null ? step : step.where(isNotAfter(end))
      found.push(...(await asking(() => rows.execute())).map(read))
      if (end === null || found.length === limit) return found
      from = end
      await setImmediate()
    }
  }
}
