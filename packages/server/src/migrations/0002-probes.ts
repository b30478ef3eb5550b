import { type Migration, sql } from 'kysely'
import type { Dialect } from './dialect.ts'

/** What a health check writes, to see that the database takes writes. It holds one row, of no meaning. */
export function probes(dialect: Dialect): Migration {
  return {
    async up(db) {
      const table = db.schema
        .createTable('probes')
        .addColumn('name', 'text', (column) => column.primaryKey().notNull())
        .addColumn('filler', 'text', (column) => column.notNull())
      await (dialect === 'sqlite' ? table.modifyEnd(sql`strict`) : table).execute()
    },
    async down(db) {
      await db.schema.dropTable('probes').execute()
    },
  }
}
