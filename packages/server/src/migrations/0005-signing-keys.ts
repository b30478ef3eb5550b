import { type Migration, sql } from 'kysely'
import type { Dialect } from './dialect.ts'

/** The keys that sign, each sealed. One signs from `signs_from_ms` until the next one does. */
export function signingKeys(dialect: Dialect): Migration {
  return {
    async up(db) {
      const milliseconds = dialect === 'postgres' ? 'bigint' : 'integer'
      const table = db.schema
        .createTable('signing_keys')
        .addColumn('kid', 'text', (column) => column.primaryKey().notNull())
        .addColumn('alg', 'text', (column) => column.notNull())
        .addColumn('sealed', 'text', (column) => column.notNull())
        .addColumn('created_at_ms', milliseconds, (column) => column.notNull())
        .addColumn('signs_from_ms', milliseconds, (column) => column.notNull())
      await (dialect === 'sqlite' ? table.modifyEnd(sql`strict`) : table).execute()
    },
    async down(db) {
      await db.schema.dropTable('signing_keys').execute()
    },
  }
}
