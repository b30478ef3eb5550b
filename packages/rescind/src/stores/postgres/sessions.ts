import { heldUp } from '../../base/held-up.ts'
import type { Revocation } from '../../revocation/revocation.ts'
import type { EndOrder, EndResult, RotateClaim, RotateOutcome, Sessions } from '../../session/sessions.ts'
import { readCursor, writeCursor } from '../shared/cursor.ts'
import { decideRotation, rotatedState, type SessionState, shownSession } from '../shared/rotation.ts'
import { isChosen, recordsForEnd } from '../shared/session-end.ts'
import { openTransaction, type PgQueryable } from './client.ts'
import type { PgDatabase } from './database.ts'
import { inBatches } from './ledger.ts'
import type { PgRecords } from './records.ts'
import { type PgSessionTable, postgresSessionTable } from './session-table.ts'

const SWEEP_ROWS = 5_000

/** The sessions' half of the PostgreSQL store; revocations are recorded in the transaction that ends a session. */
export function postgresSessions(database: PgDatabase, records: PgRecords): Sessions {
  const table = postgresSessionTable(database.names, records)
  return {
    async start(sessions) {
      if (sessions.length === 0) return []
      const first = new Map(sessions.toReversed().map((session) => [session.sid, session]))
      const started = await database.withTables(() => table.insert(database.pool, [...first.values()]))
      return sessions.map((session) =>
        first.get(session.sid) === session && started.has(session.sid) ? 'started' : 'exists',
      )
    },
    async rotate(claims) {
      if (claims.length === 0) return []
      const since = performance.now()
      return database.transaction((on) => rotateOn(on, table, { claims, since }))
    },
    async end(orders, within) {
      if (orders.length === 0) return []
      if (within === undefined) return database.transaction((on) => endOn(on, table, orders))
      const on = openTransaction(within)
      await database.ready()
      return endOn(on, table, orders)
    },
    async get(sid, nowMs) {
      const [state] = await database.withTables(() => table.get(database.pool, sid))
      return state !== undefined && state.endedAtMs === null && state.expiresAtMs > nowMs ? shownSession(state) : null
    },
    async list(sub, { limit, cursor }, nowMs) {
      const after = readCursor(cursor)
      const states = await database.withTables(() => table.list(database.pool, { sub, after, limit: limit + 1, nowMs }))
      const sessions = states.slice(0, limit).map(shownSession)
      const last = sessions.at(-1)
      return { sessions, nextCursor: states.length > limit && last !== undefined ? writeCursor(last) : null }
    },
    count: (which, nowMs) => database.withTables(() => table.count(database.pool, which, nowMs)),
    sweep: (nowMs, limit) =>
      inBatches(limit, SWEEP_ROWS, (rows) => database.withTables(() => table.sweep(database.pool, nowMs, rows))),
  }
}

/**
 * Decides the claims one after the other, on the rows of their sessions, which stay locked until the commit: whoever
 * ends one of these sessions, or rotates it, comes before or after as a whole.
 *
 * The ledger is read without a lock, which would hold up every append for as long as a rotation takes. What was
 * committed before the claims were made is seen. What is committed while they are decided cannot be escaped either: an
 * ending waits for the row; a record of the session or the subject, appended by itself, also kills the successor; and
 * one of the presented token alone comes after the rotation.
 */
async function rotateOn(
  on: PgQueryable,
  table: PgSessionTable,
  { claims, since }: { claims: readonly RotateClaim[]; since: number },
): Promise<RotateOutcome[]> {
  const found = await table.lockClaimed(on, claims)
  // For its connection, and for whoever had locked one of the rows.
  const waitedMs = performance.now() - since
  const states = new Map<string, SessionState>()
  for (const { state } of found) if (state !== null) states.set(state.sid, state)
  const changed = new Map<string, SessionState>()
  const news: Revocation[] = []
  const change = (state: SessionState) => {
    states.set(state.sid, state)
    changed.set(state.sid, state)
  }
  const outcomes = claims.map((claim, index): RotateOutcome => {
    const state = states.get(claim.sid) ?? null
    const outcome = decideRotation(state, heldUp(claim, waitedMs))
    if (state === null || outcome === 'unknown') return { outcome: 'unknown' }
    if (outcome === 'ended' || found[index]?.isKilled !== false) return { outcome: 'ended' }
    if (outcome === 'overtaken') return { outcome }
    if (outcome === 'reused') {
      change({ ...state, endedAtMs: claim.nowMs })
      news.push(claim.onReuse)
      return { outcome }
    }
    if (outcome === 'replayed') return { outcome, issuedAtMs: state.issuedAtMs, session: shownSession(state) }
    const next = rotatedState(state, claim)
    change(next)
    return { outcome, issuedAtMs: next.issuedAtMs, session: shownSession(next) }
  })
  await table.write(on, [...changed.values()], news)
  return outcomes
}

async function endOn(on: PgQueryable, table: PgSessionTable, orders: readonly EndOrder[]): Promise<EndResult[]> {
  // Ending everyone's touches too many rows to carry them here; its orders are served by statements of their own.
  const groups = orders.some(({ which }) => 'everyone' in which) ? orders.map((order) => [order]) : [orders]
  const results: EndResult[] = []
  for (const group of groups) results.push(...(await endGroup(on, table, group)))
  return results
}

async function endGroup(on: PgQueryable, table: PgSessionTable, group: readonly EndOrder[]): Promise<EndResult[]> {
  const [first] = group
  if (first !== undefined && 'everyone' in first.which) {
    const { ended, lastIssuedAtMs } = await table.endEveryone(on, first.which, first.revocation.at)
    const recorded = recordsForEnd(first.revocation, [], lastIssuedAtMs)
    await table.write(on, [], recorded)
    return [{ ended, recorded }]
  }
  const live = new Map((await table.lockChosen(on, group)).map((state) => [state.sid, state]))
  const changed: SessionState[] = []
  const results = group.map(({ which, revocation }): EndResult => {
    const ended = [...live.values()].filter((state) => isChosen(state, which))
    for (const state of ended) {
      live.delete(state.sid)
      changed.push({ ...state, endedAtMs: revocation.at })
    }
    const sids = ended.map((state) => state.sid)
    return { ended: sids.length, recorded: recordsForEnd(revocation, sids) }
  })
  await table.write(
    on,
    changed,
    results.flatMap((result) => result.recorded),
  )
  return results
}
