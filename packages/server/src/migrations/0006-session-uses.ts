import { type Migration, sql } from 'kysely'
import type { Dialect } from './dialect.ts'

/** When a session was last used. Beside the sessions, which the library keeps: they change only with a refresh. */
export function sessionUses(dialect: Dialect): Migration {
  return {
    async up(db) {
      const table = db.schema
        .createTable('session_uses')
        .addColumn('sid', 'text', (column) => column.primaryKey().notNull())
        .addColumn('used_at_ms', dialect === 'postgres' ? 'bigint' : 'integer', (column) => column.notNull())
      await (dialect === 'sqlite' ? table.modifyEnd(sql`strict`) : table).execute()
      await db.schema.createIndex('session_uses_used_at').on('session_uses').column('used_at_ms').execute()
    },
    async down(db) {
      await db.schema.dropTable('session_uses').execute()
    },
  }
}
