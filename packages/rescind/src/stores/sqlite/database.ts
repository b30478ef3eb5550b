import { randomUUID } from 'node:crypto'

/** The part of a better-sqlite3 statement that the store calls. */
export interface SqliteStatementLike {
  run(...parameters: unknown[]): { changes: number | bigint }
  get(...parameters: unknown[]): unknown
  all(...parameters: unknown[]): unknown[]
}

/** The part of a better-sqlite3 connection that the store calls. */
export interface SqliteLike {
  exec(sql: string): unknown
  prepare(sql: string): SqliteStatementLike
}

// Positions come from AUTOINCREMENT: they only grow, also after the newest rows were pruned.
const SCHEMA = `
CREATE TABLE IF NOT EXISTS rescind_meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS rescind_revocations (
  position INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  before_ms INTEGER NOT NULL,
  except_sid TEXT NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  revoked_by TEXT,
  reason TEXT,
  UNIQUE (kind, id, before_ms, except_sid)
) STRICT;
CREATE INDEX IF NOT EXISTS rescind_revocations_expiry ON rescind_revocations (expires_at_ms);
CREATE TABLE IF NOT EXISTS rescind_sessions (
  sid TEXT PRIMARY KEY,
  sub TEXT NOT NULL,
  refresh_hash TEXT NOT NULL,
  parent_hash TEXT,
  issued_at_ms INTEGER NOT NULL,
  created_at_ms INTEGER NOT NULL,
  last_used_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  ends_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER,
  ip TEXT,
  user_agent TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS rescind_sessions_sub ON rescind_sessions (sub, created_at_ms);
CREATE INDEX IF NOT EXISTS rescind_sessions_expiry ON rescind_sessions (expires_at_ms);
`

/**
 * Sets a connection up as the store does its own: write-ahead logging, and commits that survive a power cut. For the
 * program's own connections to the same file. Waits up to 5 s for others that have the file locked.
 *
 * @example
 * ```ts
 * const accounts = new Database('app.db')
 * prepareConnection(accounts)
 * ```
 */
export function prepareConnection(database: SqliteLike): void {
  database.exec('PRAGMA busy_timeout = 5000')
  useWriteAheadLog(database)
  // NORMAL would lose the last commits of a write-ahead log at a power cut, an acknowledged logout among them.
  database.exec('PRAGMA synchronous = FULL')
  // Ids at random touch a page each, so that a shared commit would fill the log of 1,000 pages each time and have all of
  // them written twice. With four times as many, revocations come through a third faster.
  database.exec('PRAGMA wal_autocheckpoint = 4000')
}

// SQLite does not wait for another process that turns the log on at this very moment, whatever the busy timeout.
function useWriteAheadLog(database: SqliteLike): void {
  const giveUpAt = performance.now() + LOCK_DEADLINE_MS
  for (;;) {
    try {
      database.exec('PRAGMA journal_mode = WAL')
      return
    } catch (error) {
      if (!isBusy(error) || performance.now() > giveUpAt) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LAST_LOCK_RETRY_MS * Math.random())
    }
  }
}

/** Sets the connection up and makes the tables; answers whether commits survive the process. */
export function prepareDatabase(database: SqliteLike): { durable: boolean } {
  prepareConnection(database)
  database.exec('BEGIN IMMEDIATE')
  inTransaction(database, () => {
    database.exec(SCHEMA)
    database.prepare("INSERT OR IGNORE INTO rescind_meta (name, value) VALUES ('generation', ?)").run(randomUUID())
  })
  const main = database.prepare('SELECT file FROM pragma_database_list WHERE name = ?').get('main')
  return { durable: (main as { file: string | null }).file !== '' }
}

const LOCK_DEADLINE_MS = 5_000
const LAST_LOCK_RETRY_MS = 20

/**
 * Runs the work in one transaction. It takes the write lock at once, so that it never fails half way for lack of it,
 * and while another process holds the lock it waits without holding up this one. The lock is asked for again and again
 * for up to 5 s; then it rejects with the driver's error.
 */
export async function atomically<T>(database: SqliteLike, work: () => T): Promise<T> {
  const giveUpAt = performance.now() + LOCK_DEADLINE_MS
  for (let retryMs = 1; !tryBegin(database, giveUpAt); retryMs = Math.min(LAST_LOCK_RETRY_MS, retryMs * 2)) {
    await new Promise((resolve) => setTimeout(resolve, retryMs * (0.5 + Math.random())))
  }
  return inTransaction(database, work)
}

function tryBegin(database: SqliteLike, giveUpAt: number): boolean {
  database.exec('PRAGMA busy_timeout = 0')
  try {
    database.exec('BEGIN IMMEDIATE')
    return true
  } catch (error) {
    if (!isBusy(error) || performance.now() > giveUpAt) throw error
    return false
  } finally {
    database.exec('PRAGMA busy_timeout = 5000')
  }
}

/** True for the driver's error that says that another connection holds the lock. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY')
}

function inTransaction<T>(database: SqliteLike, work: () => T): T {
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    try {
      database.exec('ROLLBACK')
    } catch {
      // SQLite has rolled back by itself (a full disk, an I/O error); the first error says what happened.
    }
    throw error
  }
}
