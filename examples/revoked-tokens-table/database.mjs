import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Database from 'better-sqlite3'

/** Applied in order, each once. Never change one that has been released: add another. */
const migrations = [
  'CREATE TABLE revoked_tokens (id INTEGER PRIMARY KEY, jti VARCHAR(120))',
  'CREATE UNIQUE INDEX revoked_tokens_jti ON revoked_tokens (jti)',
]

/** Opens the file that DATABASE_URL names: a path, or SQLAlchemy's `sqlite:///path`. */
export function openDatabase() {
  const url = process.env.DATABASE_URL || join(import.meta.dirname, 'data/app.db')
  const path = url.replace(/^sqlite:\/\/\//, '')
  mkdirSync(dirname(path), { recursive: true })
  // A lock is waited for in the only thread there is: not for long.
  const database = new Database(path, { timeout: 250 })
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  return database
}

/** Which migrations have not been applied yet. */
export function pendingMigrations(database) {
  return migrations.slice(database.pragma('user_version', { simple: true }))
}

/** Applies what has not been applied yet, all or nothing; answers how many it were. */
export function migrate(database) {
  const applyAll = database.transaction(() => {
    const pending = pendingMigrations(database)
    for (const sql of pending) database.exec(sql)
    database.pragma(`user_version = ${migrations.length}`)
    return pending.length
  })
  return applyAll.immediate()
}

/** The table of revoked tokens, by what the app does with it. */
export function revokedTokens(database) {
  const insert = database.prepare('INSERT OR IGNORE INTO revoked_tokens (jti) VALUES (?)')
  const select = database.prepare('SELECT 1 FROM revoked_tokens WHERE jti = ?')
  const forget = database.prepare('DELETE FROM revoked_tokens WHERE jti < ?')
  return {
    add: (jti) => insert.run(jti),
    has: (jti) => select.get(jti) !== undefined,
    /** An id begins with the time of its issue (UUIDv7), so that ids sort by age and the table needs no column for it. */
    forgetIssuedBefore(ms) {
      const hex = Math.max(0, ms).toString(16).padStart(12, '0')
      forget.run(`${hex.slice(0, 8)}-${hex.slice(8)}`)
    },
  }
}
