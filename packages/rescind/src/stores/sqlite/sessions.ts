import { heldUp } from '../../base/held-up.ts'
import type { EndOrder, EndResult, RotateClaim, RotateOutcome, Sessions } from '../../session/sessions.ts'
import { readCursor, writeCursor } from '../shared/cursor.ts'
import { decideRotation, rotatedState, type SessionState, shownSession } from '../shared/rotation.ts'
import { recordsForEnd } from '../shared/session-end.ts'
import { atomically, type SqliteLike } from './database.ts'
import { openTransaction, recordsOn } from './ledger.ts'
import { parameters, statementsOn } from './session-statements.ts'

const SWEEP_ROWS = 1_000

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
export function sqliteSessions(database: SqliteLike): Sessions {
  const { live, bySid, counting, sweep } = statementsOn(database)
  return {
    async start(sessions) {
      const { insert } = statementsOn(database)
      return atomically(database, () =>
        sessions.map((session) => {
          const { sid, sub, refreshHash, createdAtMs, lastUsedAtMs, expiresAtMs, endsAtMs, ip, userAgent } = session
          const times = [createdAtMs, createdAtMs, lastUsedAtMs, expiresAtMs, endsAtMs]
          const { changes } = insert.run(sid, sub, refreshHash, ...times, ip, userAgent)
          return Number(changes) === 1 ? 'started' : 'exists'
        }),
      )
    },
    async rotate(claims) {
      const since = performance.now()
      return atomically(database, () => {
        const waitedMs = performance.now() - since
        return claims.map((claim) => rotateOn(database, heldUp(claim, waitedMs)))
      })
    },
    async end(orders, within) {
      if (within !== undefined) {
        const connection = openTransaction(within)
        return orders.map((order) => endOn(connection, order))
      }
      return atomically(database, () => orders.map((order) => endOn(database, order)))
    },
    async get(sid, nowMs) {
      const row = bySid.get(sid)
      if (row === undefined) return null
      const state = readRow(row as Row)
      return state.endedAtMs === null && state.expiresAtMs > nowMs ? shownSession(state) : null
    },
    async list(sub, { limit, cursor }, nowMs) {
      const after = readCursor(cursor)
      const rows = live.all(sub, nowMs, after.createdAtMs, after.sid, limit + 1) as Row[]
      const sessions = rows.slice(0, limit).map((row) => shownSession(readRow(row)))
      const last = sessions.at(-1)
      return { sessions, nextCursor: rows.length > limit && last !== undefined ? writeCursor(last) : null }
    },
    async count(which, nowMs) {
      const row = counting(which).get({ ...parameters(which), now: nowMs })
      return (row as { sessions: number }).sessions
    },
    async sweep(nowMs, limit) {
      return atomically(database, () => Number(sweep.run(nowMs, Math.min(limit, SWEEP_ROWS)).changes))
    },
  }
}

function rotateOn(database: SqliteLike, claim: RotateClaim): RotateOutcome {
  const { bySid, rotate, endOne } = statementsOn(database)
  const records = recordsOn(database)
  const row = bySid.get(claim.sid)
  const state = row === undefined ? null : readRow(row as Row)
  const outcome = decideRotation(state, claim)
  if (state === null || outcome === 'unknown') return { outcome: 'unknown' }
  if (outcome === 'ended' || records.find(claim.token, claim.nowMs) !== null) return { outcome: 'ended' }
  switch (outcome) {
    case 'overtaken':
      return { outcome }
    case 'reused':
      endOne.run(claim.nowMs, claim.sid)
      records.append([claim.onReuse])
      return { outcome }
    case 'replayed':
      return { outcome, issuedAtMs: state.issuedAtMs, session: shownSession(state) }
    case 'rotated': {
      const { sid, successorHash: hash, nowMs: now, expiresAtMs: expires } = claim
      rotate.run({ sid, hash, now, expires })
      return { outcome, issuedAtMs: now, session: shownSession(rotatedState(state, claim)) }
    }
  }
}

function endOn(database: SqliteLike, { which, revocation }: EndOrder): EndResult {
  const { choosing, endOne, endAll, lastIssued } = statementsOn(database)
  const records = recordsOn(database)
  if ('everyone' in which) {
    const last = (lastIssued.get(parameters(which)) as { ms: number | null }).ms
    const ended = Number(endAll.run({ ...parameters(which), at: revocation.at }).changes)
    const recorded = recordsForEnd(revocation, [], last ?? undefined)
    records.append(recorded)
    return { ended, recorded }
  }
  const chosen = choosing(which).all(parameters(which)) as { sid: string }[]
  const ended = chosen.map((row) => row.sid)
  for (const sid of ended) endOne.run(revocation.at, sid)
  const recorded = recordsForEnd(revocation, ended)
  records.append(recorded)
  return { ended: ended.length, recorded }
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
