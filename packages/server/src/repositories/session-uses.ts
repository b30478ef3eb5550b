import { type Kysely, sql } from 'kysely'
import type { Dialect } from '../migrations/dialect.ts'
import { asking } from '../storage-failure.ts'
import type { Tables } from './tables.ts'

/** A session was used at this time. */
export interface SessionUse {
  readonly sid: string
  readonly usedAtMs: number
}

/** The last uses of sessions. Every method rejects with `overloaded` when the database fails or does not answer. */
export interface SessionUseRecords {
  /** In one statement. Of two times of a session, the later one stays. */
  record(uses: readonly SessionUse[]): Promise<void>
  /** The last use of each of these sessions, where one is known. */
  of(sids: readonly string[]): Promise<ReadonlyMap<string, number>>
  /** Forgets up to `limit` uses before then. */
  prune(beforeMs: number, limit: number): Promise<void>
}

/** The uses in a SQL database. */
export function createSessionUseRecords(tables: Kysely<Tables>, dialect: Dialect): SessionUseRecords {
  return {
    async record(uses) {
      // In one order everywhere, so that two services that write the same sessions do not lock each other out.
      const sorted = [...uses].sort((a, b) => (a.sid < b.sid ? -1 : 1))
      const statement =
        dialect === 'postgres'
          ? sql`INSERT INTO session_uses (sid, used_at_ms)
                SELECT * FROM unnest(${sorted.map(({ sid }) => sid)}::text[], ${sorted.map(({ usedAtMs }) => usedAtMs)}::bigint[])
                ON CONFLICT (sid) DO UPDATE SET used_at_ms = greatest(session_uses.used_at_ms, excluded.used_at_ms)`
          : sql`INSERT INTO session_uses (sid, used_at_ms)
                SELECT value ->> 'sid', value ->> 'usedAtMs' FROM json_each(${JSON.stringify(sorted)}) WHERE true
                ON CONFLICT (sid) DO UPDATE SET used_at_ms = max(session_uses.used_at_ms, excluded.used_at_ms)`
      await asking(() => statement.execute(tables))
    },
    async of(sids) {
      const isWished =
        dialect === 'postgres'
          ? sql<boolean>`sid = ANY (${sids})`
          : sql<boolean>`sid IN (SELECT value FROM json_each(${JSON.stringify(sids)}))`
      const rows = await asking(() => tables.selectFrom('session_uses').selectAll().where(isWished).execute())
      return new Map(rows.map((row) => [row.sid, Number(row.used_at_ms)]))
    },
    async prune(beforeMs, limit) {
      const old = tables.selectFrom('session_uses').select('sid').where('used_at_ms', '<', beforeMs).limit(limit)
      await asking(() => tables.deleteFrom('session_uses').where('sid', 'in', old).execute())
    },
  }
}
