import { type Kysely, type Migration, sql } from 'kysely'
import type { Dialect } from './dialect.ts'

/**
 * What operators did, and what lists and counts of accounts are read from. The audit log takes new entries and nothing else: the
 * database itself refuses to change or to delete one, whoever asks.
 */
export function audit(dialect: Dialect): Migration {
  return {
    async up(db) {
      const table = db.schema
        .createTable('audit')
        // Compared by their bytes, whatever language the database is set to.
        .addColumn('id', dialect === 'postgres' ? sql`text COLLATE "C"` : 'text', (column) =>
          column.primaryKey().notNull(),
        )
        .addColumn('at_ms', dialect === 'postgres' ? 'bigint' : 'integer', (column) => column.notNull())
        .addColumn('actor_kind', 'text', (column) => column.notNull())
        .addColumn('actor_id', 'text', (column) => column.notNull())
        .addColumn('ip', 'text')
        .addColumn('action', 'text', (column) => column.notNull())
        .addColumn('target_kind', 'text')
        .addColumn('target_id', 'text')
        .addColumn('reason', 'text')
        .addColumn('outcome', 'text', (column) => column.notNull())
        .addColumn('failure_of', 'text')
        .addColumn('failure_code', 'text')
      // Without SQLite's hidden row numbers, by which a REPLACE could reach an entry.
      await (dialect === 'sqlite' ? table.modifyEnd(sql`strict, without rowid`) : table).execute()
      for (const statement of guards[dialect]) await sql.raw(statement).execute(db)
      await db.schema.createIndex('users_registered_at').on('users').columns(['registered_at_ms', 'id']).execute()
      const disabled = db.schema.createIndex('users_disabled').on('users').column('disabled_at_ms')
      await disabled.where(sql.ref('disabled_at_ms'), 'is not', null).execute()
    },
    async down(db) {
      await db.schema.dropIndex('users_disabled').execute()
      await db.schema.dropIndex('users_registered_at').execute()
      await db.schema.dropTable('audit').execute()
      await dropGuard(db, dialect)
    },
  }
}

const guards: Readonly<Record<Dialect, readonly string[]>> = {
  sqlite: [
    `CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
     BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END`,
    `CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
     BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END`,
    // INSERT OR REPLACE deletes without asking the trigger above.
    `CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
     BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END`,
  ],
  postgres: [
    `CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS
     $$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$`,
    `CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
     FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()`,
  ],
}

async function dropGuard(db: Kysely<unknown>, dialect: Dialect): Promise<void> {
  // SQLite's triggers went with the table.
  if (dialect === 'postgres') await sql`DROP FUNCTION audit_append_only()`.execute(db)
}
