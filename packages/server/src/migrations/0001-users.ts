import { type Migration, sql } from 'kysely'
import type { Dialect } from './dialect.ts'

/** People's accounts. `email_key` is the normalised address: its unique index decides who registered first. */
export function users(dialect: Dialect): Migration {
  return {
    async up(db) {
      const table = db.schema
        .createTable('users')
        .addColumn('id', 'text', (column) => column.primaryKey().notNull())
        .addColumn('email', 'text', (column) => column.notNull())
        .addColumn('email_key', 'text', (column) => column.notNull().unique())
        .addColumn('email_verified', 'integer', (column) => column.notNull())
        .addColumn('password_hash', 'text', (column) => column.notNull())
        .addColumn('admin', 'integer', (column) => column.notNull())
        // An integer of PostgreSQL's has 32 bits, one of SQLite's has 64.
        .addColumn('registered_at_ms', dialect === 'postgres' ? 'bigint' : 'integer', (column) => column.notNull())
      await (dialect === 'sqlite' ? table.modifyEnd(sql`strict`) : table).execute()
    },
    async down(db) {
      await db.schema.dropTable('users').execute()
    },
  }
}
