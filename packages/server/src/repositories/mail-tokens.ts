import { type Insertable, type Kysely, type Selectable, sql } from 'kysely'
import type { Dialect } from '../migrations/dialect.ts'
import { asking } from '../storage-failure.ts'
import type { MailTokensTable, Tables } from './tables.ts'

/** What a mail was sent for. A `notice` carries no secret and is kept only to be counted. */
export type MailPurpose = 'reset' | 'verify' | 'email-change' | 'notice'

/** A mail that was sent, and the secret in it. */
export interface MailTokenRecord {
  readonly id: string
  readonly userId: string
  readonly purpose: MailPurpose
  /** Where it was sent to. */
  readonly address: string
  readonly addressKey: string
  /** `null`: it carried none, or that one is dead. */
  readonly tokenHash: string | null
  readonly createdAtMs: number
  readonly expiresAtMs: number
}

/** How many mails were sent, and when the last of them; `null`: none. */
export interface SentMails {
  readonly count: number
  readonly lastAtMs: number | null
}

/** The mails of the last hour. Every method rejects with `overloaded` when the database fails or does not answer. */
export interface MailTokens {
  insert(record: MailTokenRecord): Promise<void>
  /** The living one with this hash. */
  byHash(tokenHash: string, nowMs: number): Promise<MailTokenRecord | null>
  /** Atomic: of many that spend one secret at once, exactly one is told `true`. */
  spend(tokenHash: string, nowMs: number): Promise<boolean>
  /** Kills the secrets sent to a user: all of them, or those of one purpose. */
  kill(userId: string, purpose?: MailPurpose): Promise<void>
  /** What was sent to an address since then, of one purpose. */
  sentSince(which: { addressKey: string; purpose: MailPurpose; sinceMs: number }): Promise<SentMails>
  /** Forgets the mails sent before then, but for those that a transaction holds. To be called in none. */
  prune(beforeMs: number): Promise<void>
}

/** The mails in a SQL database. */
export function createMailTokens(tables: Kysely<Tables>, dialect: Dialect): MailTokens {
  return {
    async insert(record) {
      await asking(() => tables.insertInto('mail_tokens').values(toRow(record)).execute())
    },
    async byHash(tokenHash, nowMs) {
      const query = tables
        .selectFrom('mail_tokens')
        .selectAll()
        .where('token_hash', '=', tokenHash)
        .where('expires_at_ms', '>', nowMs)
      const row = await asking(() => query.executeTakeFirst())
      return row === undefined ? null : fromRow(row)
    },
    async spend(tokenHash, nowMs) {
      const update = tables
        .updateTable('mail_tokens')
        .set({ token_hash: null })
        .where('token_hash', '=', tokenHash)
        .where('expires_at_ms', '>', nowMs)
      const { numUpdatedRows } = await asking(() => update.executeTakeFirst())
      return numUpdatedRows === 1n
    },
    async kill(userId, purpose) {
      const ofUser = tables.updateTable('mail_tokens').set({ token_hash: null }).where('user_id', '=', userId)
      await asking(() => (purpose === undefined ? ofUser : ofUser.where('purpose', '=', purpose)).execute())
    },
    async sentSince({ addressKey, purpose, sinceMs }) {
      const query = tables
        .selectFrom('mail_tokens')
        .select(sql<number | string>`count(*)`.as('count'))
        .select(sql<number | string | null>`max(created_at_ms)`.as('last_at_ms'))
        .where('address_key', '=', addressKey)
        .where('purpose', '=', purpose)
        .where('created_at_ms', '>', sinceMs)
      const { count, last_at_ms: lastAtMs } = await asking(() => query.executeTakeFirstOrThrow())
      return { count: Number(count), lastAtMs: lastAtMs === null ? null : Number(lastAtMs) }
    },
    async prune(beforeMs) {
      const old = tables.selectFrom('mail_tokens').select('id').where('created_at_ms', '<', beforeMs)
      // Two that wait for each other's rows would wait for ever. SQLite has one writer anyway.
      const free = dialect === 'postgres' ? old.forUpdate().skipLocked() : old
      await asking(() => tables.deleteFrom('mail_tokens').where('id', 'in', free).execute())
    },
  }
}

function toRow(record: MailTokenRecord): Insertable<MailTokensTable> {
  return {
    id: record.id,
    user_id: record.userId,
    purpose: record.purpose,
    address: record.address,
    address_key: record.addressKey,
    token_hash: record.tokenHash,
    created_at_ms: record.createdAtMs,
    expires_at_ms: record.expiresAtMs,
  }
}

function fromRow(row: Selectable<MailTokensTable>): MailTokenRecord {
  return {
    id: row.id,
    userId: row.user_id,
    purpose: row.purpose as MailPurpose,
    address: row.address,
    addressKey: row.address_key,
    tokenHash: row.token_hash,
    createdAtMs: Number(row.created_at_ms),
    expiresAtMs: Number(row.expires_at_ms),
  }
}
