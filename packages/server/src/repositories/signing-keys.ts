import { type Kysely, sql } from 'kysely'
import type { Dialect } from '../migrations/dialect.ts'
import { asking } from '../storage-failure.ts'
import type { Tables } from './tables.ts'

/** A signing key as the database keeps it. */
export interface SigningKeyRecord {
  readonly kid: string
  readonly alg: string
  /** The private key, encrypted. */
  readonly sealed: string
  readonly createdAtMs: number
  /** It is published from its creation on, and signs from here on until the next key does. */
  readonly signsFromMs: number
}

/** The signing keys kept. Every method rejects with `overloaded` when the database fails or does not answer. */
export interface SigningKeyRecords {
  /** In the order in which they sign. */
  all(): Promise<readonly SigningKeyRecord[]>
  insert(key: SigningKeyRecord): Promise<void>
  delete(kid: string): Promise<void>
  /** Within a transaction: until its end, nobody else gets past this. SQLite has one writer anyway. */
  lock(): Promise<void>
  /** The time by the clock that all instances share: the database's. `null` for one that has none of its own. */
  now(): Promise<number | null>
}

/** The signing keys in a SQL database. */
export function createSigningKeyRecords(tables: Kysely<Tables>, dialect: Dialect): SigningKeyRecords {
  return {
    async all() {
      const query = tables.selectFrom('signing_keys').selectAll().orderBy('signs_from_ms').orderBy('kid')
      const rows = await asking(() => query.execute())
      return rows.map((row) => ({
        kid: row.kid,
        alg: row.alg,
        sealed: row.sealed,
        createdAtMs: Number(row.created_at_ms),
        signsFromMs: Number(row.signs_from_ms),
      }))
    },
    async insert({ kid, alg, sealed, createdAtMs, signsFromMs }) {
      const row = { kid, alg, sealed, created_at_ms: createdAtMs, signs_from_ms: signsFromMs }
      await asking(() => tables.insertInto('signing_keys').values(row).execute())
    },
    async delete(kid) {
      await asking(() => tables.deleteFrom('signing_keys').where('kid', '=', kid).execute())
    },
    async lock() {
      if (dialect === 'sqlite') return
      await asking(() => sql`LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE`.execute(tables))
    },
    async now() {
      if (dialect === 'sqlite') return null
      const query = sql<{ now: string }>`SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now`
      const { rows } = await asking(() => query.execute(tables))
      return Number(rows[0]?.now)
    },
  }
}
