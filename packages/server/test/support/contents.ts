import { join } from 'node:path'
import { openSqlite } from '../../src/sqlite-database.ts'

// What a health check and the use of a session are noted in, and what SQLite counts for itself.
const PASSING = ['probes', 'session_uses', 'sqlite_sequence']

/** All that a service over SQLite keeps, by table. */
export function contentsOf(settings: Readonly<Record<string, string>>): Record<string, unknown[]> {
  const connection = openSqlite(join(settings.DATA_DIR ?? '', 'rescind.db'))
  try {
    const tables = connection.prepare("select name from sqlite_master where type = 'table'").pluck().all() as string[]
    const kept = tables.filter((name) => !PASSING.includes(name))
    return Object.fromEntries(kept.map((name) => [name, connection.prepare(`select * from "${name}"`).all()]))
  } finally {
    connection.close()
  }
}
