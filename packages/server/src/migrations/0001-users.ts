import { type Migration, sql } from 'kysely'

/** People's accounts. `email_key` is the normalised address: its unique index decides who registered first. */
export const users: Migration = {
  async up(db) {
    await db.schema
      .createTable('users')
      .addColumn('id', 'text', (column) => column.primaryKey().notNull())
      .addColumn('email', 'text', (column) => column.notNull())
      .addColumn('email_key', 'text', (column) => column.notNull().unique())
      .addColumn('email_verified', 'integer', (column) => column.notNull())
      .addColumn('password_hash', 'text', (column) => column.notNull())
      .addColumn('admin', 'integer', (column) => column.notNull())
      .addColumn('registered_at_ms', 'integer', (column) => column.notNull())
      .modifyEnd(sql`strict`)
      .execute()
  },
}
