import type { SessionSelector, Sessions } from '../../session/sessions.ts'
import { readCursor, writeCursor } from './cursor.ts'
import { decideRotation, type SessionState, shownSession } from './rotation.ts'
import { recordsForEnd } from './session-end.ts'
import { atomically, type SqliteLike } from './sqlite-database.ts'
import type { SqliteLedger } from './sqlite-ledger.ts'

interface Row {
  sid: string
  sub: string
  refresh_hash: string
  parent_hash: string | null
  issued_at_ms: number
  created_at_ms: number
  last_used_at_ms: number
  expires_at_ms: number
  ends_at_ms: number
  ended_at_ms: number | null
  ip: string | null
  user_agent: string | null
}

/** The sessions' half of the SQLite store; revocations are recorded within the transaction that ends a session. */
export function sqliteSessions(database: SqliteLike, ledger: SqliteLedger): Sessions {
  const insert = database.prepare(
    `INSERT OR IGNORE INTO rescind_sessions
       (sid, sub, refresh_hash, issued_at_ms, created_at_ms, last_used_at_ms, expires_at_ms, ends_at_ms, ip, user_agent)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const bySid = database.prepare('SELECT * FROM rescind_sessions WHERE sid = ?')
  const rotate = database.prepare(
    `UPDATE rescind_sessions
        SET parent_hash = refresh_hash, refresh_hash = @hash, issued_at_ms = @now, last_used_at_ms = @now,
            expires_at_ms = min(@expires, ends_at_ms)
      WHERE sid = @sid`,
  )
  const endOne = database.prepare('UPDATE rescind_sessions SET ended_at_ms = ? WHERE sid = ? AND ended_at_ms IS NULL')
  const sidsOf = database.prepare(
    `SELECT sid FROM rescind_sessions
      WHERE sub = @sub AND ended_at_ms IS NULL AND sid IS NOT @except AND (@before IS NULL OR created_at_ms <= @before)`,
  )
  const allSids = database.prepare('SELECT sid FROM rescind_sessions WHERE ended_at_ms IS NULL')
  const lastIssued = database.prepare('SELECT max(issued_at_ms) AS ms FROM rescind_sessions WHERE ended_at_ms IS NULL')
  const live = database.prepare(
    `SELECT * FROM rescind_sessions
      WHERE sub = ? AND ended_at_ms IS NULL AND expires_at_ms > ? AND (created_at_ms, sid) < (?, ?)
      ORDER BY created_at_ms DESC, sid DESC LIMIT ?`,
  )
  const sweep = database.prepare(
    `DELETE FROM rescind_sessions WHERE sid IN
       (SELECT sid FROM rescind_sessions WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT ?)`,
  )

  const stateOf = (sid: string): SessionState | null => {
    const row = bySid.get(sid)
    return row === undefined ? null : readRow(row as Row)
  }
  const chosen = (which: SessionSelector): string[] => {
    if ('sid' in which) return [which.sid]
    if ('everyone' in which) return (allSids.all() as { sid: string }[]).map((row) => row.sid)
    const { sub, beforeMs = null, except = null } = which
    return (sidsOf.all({ sub, before: beforeMs, except }) as { sid: string }[]).map((row) => row.sid)
  }

  return {
    async start(session) {
      const { sid, sub, refreshHash, createdAtMs, lastUsedAtMs, expiresAtMs, endsAtMs, ip, userAgent } = session
      const times = [createdAtMs, createdAtMs, lastUsedAtMs, expiresAtMs, endsAtMs]
      return Number(insert.run(sid, sub, refreshHash, ...times, ip, userAgent).changes) === 1 ? 'started' : 'exists'
    },
    async rotate(claim) {
      return atomically(database, () => {
        const state = stateOf(claim.sid)
        const outcome = decideRotation(state, claim)
        if (state === null || outcome === 'unknown') return { outcome: 'unknown' }
        if (ledger.findNow(claim.token, claim.nowMs) !== null) return { outcome: 'ended' }
        switch (outcome) {
          case 'ended':
            return { outcome }
          case 'reused':
            endOne.run(claim.nowMs, claim.sid)
            ledger.appendNow([claim.onReuse])
            return { outcome }
          case 'replayed':
            return { outcome, issuedAtMs: state.issuedAtMs, session: shownSession(state) }
          case 'rotated': {
            const { sid, successorHash: hash, nowMs: now, expiresAtMs: expires } = claim
            rotate.run({ sid, hash, now, expires })
            const expiresAtMs = Math.min(expires, state.endsAtMs)
            return { outcome, issuedAtMs: now, session: { ...shownSession(state), lastUsedAtMs: now, expiresAtMs } }
          }
        }
      })
    },
    async end(which, revocation) {
      return atomically(database, () => {
        // Reads every session, so only where every session ends.
        const last = 'everyone' in which ? (lastIssued.get() as { ms: number | null }).ms : null
        const ended = chosen(which).filter((sid) => Number(endOne.run(revocation.at, sid).changes) === 1)
        const recorded = recordsForEnd(revocation, ended, last ?? undefined)
        ledger.appendNow(recorded)
        return { ended: ended.length, recorded }
      })
    },
    async get(sid, nowMs) {
      const state = stateOf(sid)
      return state !== null && state.endedAtMs === null && state.expiresAtMs > nowMs ? shownSession(state) : null
    },
    async list(sub, { limit, cursor }, nowMs) {
      const after = readCursor(cursor)
      const rows = live.all(sub, nowMs, after.createdAtMs, after.sid, limit + 1) as Row[]
      const sessions = rows.slice(0, limit).map((row) => shownSession(readRow(row)))
      const last = sessions.at(-1)
      return { sessions, nextCursor: rows.length > limit && last !== undefined ? writeCursor(last) : null }
    },
    async sweep(nowMs, limit) {
      return Number(sweep.run(nowMs, limit).changes)
    },
  }
}

function readRow(row: Row): SessionState {
  return {
    sid: row.sid,
    sub: row.sub,
    refreshHash: row.refresh_hash,
    parentHash: row.parent_hash,
    issuedAtMs: row.issued_at_ms,
    createdAtMs: row.created_at_ms,
    lastUsedAtMs: row.last_used_at_ms,
    expiresAtMs: row.expires_at_ms,
    endsAtMs: row.ends_at_ms,
    endedAtMs: row.ended_at_ms,
    ip: row.ip,
    userAgent: row.user_agent,
  }
}
