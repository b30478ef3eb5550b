import { type Migration, sql } from 'kysely'
import type { Dialect } from './dialect.ts'

/** Programs that show an id and a secret. The secret is kept as its SHA-256: with 256 bits of chance that is enough. */
export function clients(dialect: Dialect): Migration {
  return {
    async up(db) {
      const table = db.schema
        .createTable('clients')
        .addColumn('id', 'text', (column) => column.primaryKey().notNull())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('secret_hash', 'text', (column) => column.notNull())
        .addColumn('scopes', 'text', (column) => column.notNull())
        .addColumn('created_at_ms', dialect === 'postgres' ? 'bigint' : 'integer', (column) => column.notNull())
      await (dialect === 'sqlite' ? table.modifyEnd(sql`strict`) : table).execute()
    },
    async down(db) {
      await db.schema.dropTable('clients').execute()
    },
  }
}
