import { createIdSource, systemRandom } from '../base/ids.ts'
import type { TokenIds } from '../base/types.ts'
import type { FeedSink, Ledger, Page, Transaction } from '../revocation/ledger.ts'
import { kills, type Revocation } from '../revocation/revocation.ts'
import type { EndOrder, EndResult, RotateClaim, RotateOutcome, Sessions, Store } from '../session/sessions.ts'
import { readCursor, writeCursor } from './shared/cursor.ts'
import { identityOf } from './shared/identity.ts'
import { parsePosition, writePosition } from './shared/position.ts'
import { decideRotation, rotatedState, type SessionState, shownSession } from './shared/rotation.ts'
import { isChosen, recordsForEnd } from './shared/session-end.ts'
import { refuseTransaction } from './shared/transaction.ts'

/**
 * Keeps everything in this process, for tests and toys: what it holds ends with the process. In production
 * `createRescind` refuses it unless told `allowVolatile: true`.
 *
 * @example
 * ```ts
 * const auth = createRescind({ store: memoryStore(), keys })
 * ```
 */
export function memoryStore(): Store {
  const log: { position: number; record: Revocation }[] = []
  const live = new Map<string, Revocation>()
  const sessions = new Map<string, SessionState>()
  const sinks = new Set<FeedSink>()
  const generation = createIdSource(systemRandom)(Date.now())
  let lastPosition = 0

  const append = (records: readonly Revocation[]): string => {
    const news: Revocation[] = []
    for (const record of records) {
      const identity = identityOf(record)
      const known = live.get(identity)
      if (known !== undefined && known.expiresAt >= record.expiresAt) continue
      live.set(identity, record)
      lastPosition += 1
      log.push({ position: lastPosition, record })
      news.push(record)
    }
    const position = writePosition(generation, lastPosition)
    if (news.length > 0) for (const sink of sinks) sink.records({ records: news, position })
    return position
  }

  const pageAfter = (from: string | null): Page => {
    const after = from === null ? 0 : parsePosition(from, { generation, last: lastPosition })
    const records = log.filter((entry) => entry.position > after).map((entry) => entry.record)
    return { records, position: writePosition(generation, lastPosition) }
  }

  const find = (ids: TokenIds, nowMs: number): Revocation | null => {
    for (const record of live.values()) if (record.expiresAt > nowMs && kills(record, ids)) return record
    return null
  }

  const ledger: Ledger = {
    async append(records, within) {
      refuseTransaction('memory', within)
      return append(records)
    },
    async *read(from) {
      yield pageAfter(from)
    },
    async follow(from, sink, signal) {
      if (signal.aborted) return
      // No pause between the last look and the first delivery: a record appended there would be missed.
      sink.records(pageAfter(from))
      sinks.add(sink)
      sink.current(sink.now())
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
      sinks.delete(sink)
    },
    find: async (ids, nowMs) => find(ids, nowMs),
    async prune(nowMs, limit) {
      let pruned = 0
      for (let at = log.length - 1; at >= 0 && pruned < limit; at -= 1) {
        const record = log[at]?.record
        if (record === undefined || record.expiresAt > nowMs) continue
        log.splice(at, 1)
        if (live.get(identityOf(record)) === record) live.delete(identityOf(record))
        pruned += 1
      }
      return pruned
    },
    generation: async () => generation,
  }

  return {
    ledger,
    sessions: memorySessions(sessions, append, find),
    guarantees: { durable: false, shared: false },
    close: async () => {},
  }
}

function memorySessions(
  sessions: Map<string, SessionState>,
  append: (records: readonly Revocation[]) => string,
  find: (ids: TokenIds, nowMs: number) => Revocation | null,
): Sessions {
  const isLive = (state: SessionState, nowMs: number) => state.endedAtMs === null && state.expiresAtMs > nowMs
  const endSession = (state: SessionState, endedAtMs: number) => sessions.set(state.sid, { ...state, endedAtMs })

  const rotate = (claim: RotateClaim): RotateOutcome => {
    const state = sessions.get(claim.sid) ?? null
    const outcome = decideRotation(state, claim)
    if (state === null || outcome === 'unknown') return { outcome: 'unknown' }
    if (outcome === 'ended' || find(claim.token, claim.nowMs) !== null) return { outcome: 'ended' }
    if (outcome === 'overtaken') return { outcome }
    if (outcome === 'reused') {
      endSession(state, claim.nowMs)
      append([claim.onReuse])
      return { outcome }
    }
    if (outcome === 'replayed') return { outcome, issuedAtMs: state.issuedAtMs, session: shownSession(state) }
    const rotated = rotatedState(state, claim)
    sessions.set(claim.sid, rotated)
    return { outcome, issuedAtMs: claim.nowMs, session: shownSession(rotated) }
  }

  const end = ({ which, revocation }: EndOrder): EndResult => {
    const chosen = [...sessions.values()].filter((state) => state.endedAtMs === null && isChosen(state, which))
    for (const state of chosen) endSession(state, revocation.at)
    const recorded = recordsForEnd(
      revocation,
      chosen.map((state) => state.sid),
      Math.max(...chosen.map((state) => state.issuedAtMs)),
    )
    append(recorded)
    return { ended: chosen.length, recorded }
  }

  return {
    async start(news) {
      return news.map((session) => {
        if (sessions.has(session.sid)) return 'exists'
        sessions.set(session.sid, { ...session, parentHash: null, issuedAtMs: session.createdAtMs, endedAtMs: null })
        return 'started'
      })
    },
    rotate: async (claims) => claims.map(rotate),
    async end(orders, within?: Transaction) {
      refuseTransaction('memory', within)
      return orders.map(end)
    },
    async get(sid, nowMs) {
      const state = sessions.get(sid)
      return state !== undefined && isLive(state, nowMs) ? shownSession(state) : null
    },
    async list(sub, { limit, cursor }, nowMs) {
      const after = readCursor(cursor)
      const found = [...sessions.values()]
        .filter((state) => state.sub === sub && isLive(state, nowMs))
        .sort((a, b) => b.createdAtMs - a.createdAtMs || (a.sid < b.sid ? 1 : -1))
        .filter(
          (state) =>
            state.createdAtMs < after.createdAtMs || (state.createdAtMs === after.createdAtMs && state.sid < after.sid),
        )
      const page = found.slice(0, limit)
      const last = page.at(-1)
      return { sessions: page.map(shownSession), nextCursor: found.length > limit && last ? writeCursor(last) : null }
    },
    async count(which, nowMs) {
      let count = 0
      for (const state of sessions.values()) if (isLive(state, nowMs) && isChosen(state, which)) count += 1
      return count
    },
    async sweep(nowMs, limit) {
      let swept = 0
      for (const state of sessions.values()) {
        if (swept >= limit) break
        if (state.expiresAtMs <= nowMs && sessions.delete(state.sid)) swept += 1
      }
      return swept
    },
  }
}
