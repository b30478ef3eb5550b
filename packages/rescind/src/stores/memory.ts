import { randomUUID } from 'node:crypto'
import type { TokenIds } from '../base/types.ts'
import type { FeedSink, Ledger, Page } from '../revocation/ledger.ts'
import { kills, type Revocation } from '../revocation/revocation.ts'
import type { Sessions, Store } from '../session/sessions.ts'
import { readCursor, writeCursor } from './shared/cursor.ts'
import { decideRotation, type SessionState, shownSession } from './shared/rotation.ts'
import { recordsForEnd } from './shared/session-end.ts'

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
  const sessions = new Map<string, SessionState>()
  const sinks = new Set<FeedSink>()
  const generation = randomUUID()
  let lastPosition = 0

  const append = (records: readonly Revocation[]): string => {
    const news = records.filter((record) => !log.some((entry) => covers(entry.record, record)))
    for (const record of news) {
      lastPosition += 1
      log.push({ position: lastPosition, record })
    }
    const position = String(lastPosition)
    if (news.length > 0) for (const sink of sinks) sink.records({ records: news, position })
    return position
  }

  const pageAfter = (from: string | null): Page => {
    const after = Number(from ?? 0)
    const records = log.filter((entry) => entry.position > after).map((entry) => entry.record)
    return { records, position: String(lastPosition) }
  }

  const find = (ids: TokenIds, nowMs: number): Revocation | null =>
    log.find(({ record }) => record.expiresAt > nowMs && kills(record, ids))?.record ?? null

  const ledger: Ledger = {
    append: async (records) => append(records),
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
        if ((log[at]?.record.expiresAt ?? 0) <= nowMs) {
          log.splice(at, 1)
          pruned += 1
        }
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
  return {
    async start(session) {
      if (sessions.has(session.sid)) return 'exists'
      sessions.set(session.sid, { ...session, parentHash: null, issuedAtMs: session.createdAtMs, endedAtMs: null })
      return 'started'
    },
    async rotate(claim) {
      const state = sessions.get(claim.sid) ?? null
      const outcome = decideRotation(state, claim)
      if (state === null || outcome === 'ended' || outcome === 'unknown')
        return { outcome: state ? 'ended' : 'unknown' }
      if (find(claim.token, claim.nowMs) !== null) return { outcome: 'ended' }
      if (outcome === 'reused') {
        endSession(state, claim.nowMs)
        append([claim.onReuse])
        return { outcome }
      }
      if (outcome === 'replayed') return { outcome, issuedAtMs: state.issuedAtMs, session: shownSession(state) }
      const rotated: SessionState = {
        ...state,
        refreshHash: claim.successorHash,
        parentHash: state.refreshHash,
        issuedAtMs: claim.nowMs,
        lastUsedAtMs: claim.nowMs,
        expiresAtMs: Math.min(claim.expiresAtMs, state.endsAtMs),
      }
      sessions.set(claim.sid, rotated)
      return { outcome, issuedAtMs: claim.nowMs, session: shownSession(rotated) }
    },
    async end(which, revocation) {
      const chosen = [...sessions.values()].filter((state) =>
        state.endedAtMs !== null
          ? false
          : 'everyone' in which
            ? true
            : 'sid' in which
              ? state.sid === which.sid
              : state.sub === which.sub &&
                state.sid !== which.except &&
                (which.beforeMs === undefined || state.createdAtMs <= which.beforeMs),
      )
      for (const state of chosen) endSession(state, revocation.at)
      const recorded = recordsForEnd(
        revocation,
        chosen.map((state) => state.sid),
        Math.max(...chosen.map((state) => state.issuedAtMs)),
      )
      append(recorded)
      return { ended: chosen.length, recorded }
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

/** True when recording `next` after `known` would change nothing. */
function covers(known: Revocation, next: Revocation): boolean {
  if (known.kind !== next.kind || known.expiresAt < next.expiresAt) return false
  if (known.kind === 'everything') return next.kind === 'everything' && known.before === next.before
  if (next.kind === 'everything' || known.id !== next.id) return false
  if (known.kind !== 'subject' || next.kind !== 'subject') return true
  return known.before === next.before && known.except === next.except
}
