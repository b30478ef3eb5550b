import Database from 'better-sqlite3'

const SCHEMA = `
CREATE TABLE IF NOT EXISTS users (id TEXT PRIMARY KEY, email TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS sessions (
  sid TEXT PRIMARY KEY, sub TEXT NOT NULL, refresh_hash TEXT NOT NULL, parent_hash TEXT,
  last_used_at_ms INTEGER NOT NULL, expires_at_ms INTEGER NOT NULL, ended_at_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sessions_sub ON sessions (sub);
CREATE INDEX IF NOT EXISTS sessions_expiry ON sessions (expires_at_ms);
CREATE TABLE IF NOT EXISTS revocations (sid TEXT PRIMARY KEY, expires_at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS revocations_expiry ON revocations (expires_at_ms);
`

/** The baseline's store on SQLite: a transaction for each request, synced before it is acknowledged. */
export async function oneCommitSqlite(path) {
  const database = new Database(path)
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = FULL')
  database.pragma('busy_timeout = 5000')
  database.exec(SCHEMA)
  const user = database.prepare('SELECT * FROM users WHERE id = ?')
  const session = database.prepare('SELECT * FROM sessions WHERE sid = ?')
  const revoked = database.prepare('SELECT 1 FROM revocations WHERE sid = ?')
  const update = database.prepare(
    `UPDATE sessions SET parent_hash = refresh_hash, refresh_hash = ?, last_used_at_ms = ?, expires_at_ms = ?
      WHERE sid = ?`,
  )
  const finish = database.prepare('UPDATE sessions SET ended_at_ms = ? WHERE sid = ? AND ended_at_ms IS NULL')
  const revoke = database.prepare('INSERT OR IGNORE INTO revocations (sid, expires_at_ms) VALUES (?, ?)')
  const addUser = database.prepare('INSERT OR IGNORE INTO users (id, email) VALUES (?, ?)')
  const addSession = database.prepare(
    'INSERT INTO sessions (sid, sub, refresh_hash, last_used_at_ms, expires_at_ms) VALUES (?, ?, ?, ?, ?)',
  )

  const rotate = database.transaction(({ sid, presentedHash, successorHash, nowMs, expiresAtMs }) => {
    const row = session.get(sid)
    if (row === undefined || row.ended_at_ms !== null || row.expires_at_ms <= nowMs) return false
    if (row.refresh_hash !== presentedHash) {
      finish.run(nowMs, sid)
      revoke.run(sid, expiresAtMs)
      return false
    }
    update.run(successorHash, nowMs, expiresAtMs, sid)
    return true
  })
  const end = database.transaction(({ sid, nowMs, expiresAtMs }) => {
    finish.run(nowMs, sid)
    revoke.run(sid, expiresAtMs)
  })
  const seed = database.transaction((someone, sessions) => {
    addUser.run(someone.id, someone.email)
    for (const { sid, refreshHash, nowMs, expiresAtMs } of sessions) {
      addSession.run(sid, someone.id, refreshHash, nowMs, expiresAtMs)
    }
  })
  return {
    rotate: async (claim) => rotate.immediate(claim),
    end: async (order) => end.immediate(order),
    isRevoked: async (sid) => revoked.get(sid) !== undefined,
    user: async (id) => user.get(id),
    seed: async (someone, sessions) => seed.immediate(someone, sessions),
    close: async () => database.close(),
  }
}
