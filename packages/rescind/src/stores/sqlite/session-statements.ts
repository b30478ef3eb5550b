import type { SessionSelector } from '../../session/sessions.ts'
import type { SqliteLike, SqliteStatementLike } from './database.ts'

/** What the sessions' half of the store asks of one connection. */
export interface SessionStatements {
  readonly insert: SqliteStatementLike
  readonly bySid: SqliteStatementLike
  readonly rotate: SqliteStatementLike
  readonly endOne: SqliteStatementLike
  readonly endAll: SqliteStatementLike
  readonly lastIssued: SqliteStatementLike
  readonly live: SqliteStatementLike
  readonly sweep: SqliteStatementLike
  /** The sids that a selector means, ended ones left out. */
  choosing(which: SessionSelector): SqliteStatementLike
  /** How many live sessions a selector means. */
  counting(which: SessionSelector): SqliteStatementLike
}

const EVERYONE = 'ended_at_ms IS NULL AND (@before IS NULL OR issued_at_ms <= @before)'
const ONE = 'ended_at_ms IS NULL AND sid = @sid'
const SUBJECT = `ended_at_ms IS NULL AND sub = @sub AND sid IS NOT @except
  AND (@before IS NULL OR created_at_ms <= @before)`

const onConnection = new WeakMap<SqliteLike, SessionStatements>()

/** The statements on a connection, prepared once. */
export function statementsOn(database: SqliteLike): SessionStatements {
  const known = onConnection.get(database)
  if (known !== undefined) return known
  const statements = prepare(database)
  onConnection.set(database, statements)
  return statements
}

/** The named parameters of a selector. */
export function parameters(which: SessionSelector): Record<string, string | number | null> {
  if ('everyone' in which) return { before: which.beforeMs ?? null }
  if ('sid' in which) return { sid: which.sid }
  return { sub: which.sub, before: which.beforeMs ?? null, except: which.except ?? null }
}

function prepare(database: SqliteLike): SessionStatements {
  const bySelector = (write: (condition: string) => string) => {
    const everyone = database.prepare(write(EVERYONE))
    const one = database.prepare(write(ONE))
    const subject = database.prepare(write(SUBJECT))
    return (which: SessionSelector) => ('everyone' in which ? everyone : 'sid' in which ? one : subject)
  }
  return {
    insert: database.prepare(
      `INSERT OR IGNORE INTO rescind_sessions
         (sid, sub, refresh_hash, issued_at_ms, created_at_ms, last_used_at_ms, expires_at_ms, ends_at_ms, ip, user_agent)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    bySid: database.prepare('SELECT * FROM rescind_sessions WHERE sid = ?'),
    rotate: database.prepare(
      `UPDATE rescind_sessions
          SET parent_hash = refresh_hash, refresh_hash = @hash, issued_at_ms = @now, last_used_at_ms = @now,
              expires_at_ms = min(@expires, ends_at_ms)
        WHERE sid = @sid`,
    ),
    endOne: database.prepare('UPDATE rescind_sessions SET ended_at_ms = ? WHERE sid = ?'),
    endAll: database.prepare(`UPDATE rescind_sessions SET ended_at_ms = @at WHERE ${EVERYONE}`),
    lastIssued: database.prepare(`SELECT max(issued_at_ms) AS ms FROM rescind_sessions WHERE ${EVERYONE}`),
    live: database.prepare(
      `SELECT * FROM rescind_sessions
        WHERE sub = ? AND ended_at_ms IS NULL AND expires_at_ms > ? AND (created_at_ms, sid) < (?, ?)
        ORDER BY created_at_ms DESC, sid DESC LIMIT ?`,
    ),
    sweep: database.prepare(
      `DELETE FROM rescind_sessions WHERE sid IN
         (SELECT sid FROM rescind_sessions WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT ?)`,
    ),
    choosing: bySelector((condition) => `SELECT sid FROM rescind_sessions WHERE ${condition}`),
    counting: bySelector(
      // The plus keeps the index of the expiry out: to go from there to nearly every row takes twenty times as long as to
      // read all of them in their order.
      (condition) => `SELECT count(*) AS sessions FROM rescind_sessions WHERE ${condition} AND +expires_at_ms > @now`,
    ),
  }
}
