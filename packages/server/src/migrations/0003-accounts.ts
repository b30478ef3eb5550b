import { type Migration, sql } from 'kysely'
import type { Dialect } from './dialect.ts'

/**
 * Accounts that can be disabled, and links that are sent by e-mail. Of a link's secret only the SHA-256 is kept: with 256
 * bits of chance that is enough. A row stays for an hour after its secret was used, to count what an address was sent.
 */
export function accounts(dialect: Dialect): Migration {
  // An integer of PostgreSQL's has 32 bits, one of SQLite's has 64.
  const wide = dialect === 'postgres' ? 'bigint' : 'integer'
  return {
    async up(db) {
      await db.schema.alterTable('users').addColumn('disabled_at_ms', wide).execute()
      await db.schema
        .alterTable('users')
        .addColumn('credential_version', 'integer', (column) => column.notNull().defaultTo(0))
        .execute()
      const table = db.schema
        .createTable('mail_tokens')
        .addColumn('id', 'text', (column) => column.primaryKey().notNull())
        .addColumn('user_id', 'text', (column) => column.notNull().references('users.id').onDelete('cascade'))
        .addColumn('purpose', 'text', (column) => column.notNull())
        .addColumn('address', 'text', (column) => column.notNull())
        .addColumn('address_key', 'text', (column) => column.notNull())
        .addColumn('token_hash', 'text', (column) => column.unique())
        .addColumn('created_at_ms', wide, (column) => column.notNull())
        .addColumn('expires_at_ms', wide, (column) => column.notNull())
      await (dialect === 'sqlite' ? table.modifyEnd(sql`strict`) : table).execute()
      await db.schema.createIndex('mail_tokens_user').on('mail_tokens').column('user_id').execute()
      await db.schema
        .createIndex('mail_tokens_address')
        .on('mail_tokens')
        .columns(['address_key', 'created_at_ms'])
        .execute()
      await db.schema.createIndex('mail_tokens_created').on('mail_tokens').column('created_at_ms').execute()
    },
    async down(db) {
      await db.schema.dropTable('mail_tokens').execute()
      await db.schema.alterTable('users').dropColumn('credential_version').execute()
      await db.schema.alterTable('users').dropColumn('disabled_at_ms').execute()
    },
  }
}
