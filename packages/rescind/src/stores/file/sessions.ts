import type { Sessions } from '../../session/sessions.ts'
import { readCursor, writeCursor } from '../shared/cursor.ts'
import { type SessionState, shownSession } from '../shared/rotation.ts'
import { refuseTransaction } from '../shared/transaction.ts'
import { checkTimes } from './ledger.ts'
import type { FileLog } from './log.ts'

/** The sessions' half of the file store; what ends a session and the revocations recorded for it are one command. */
export function fileSessions(log: FileLog): Sessions {
  return {
    start: (sessions) => log.submit(['start', sessions]),
    rotate: (claims) => log.submit(['rotate', claims]),
    async end(orders, within) {
      refuseTransaction('file', within)
      for (const { revocation } of orders) checkTimes(revocation)
      return log.submit(['end', orders])
    },
    get: (sid, nowMs) =>
      log.ask(({ logins }) => {
        const state = logins.get(sid)
        return state !== null && isLive(state, nowMs) ? shownSession(state) : null
      }),
    list: (sub, { limit, cursor }, nowMs) =>
      log.ask(({ logins }) => {
        const after = readCursor(cursor)
        const rest = logins
          .of(sub)
          .filter((state) => isLive(state, nowMs) && isListedBefore(after, state))
          .sort((a, b) => (isListedBefore(a, b) ? -1 : 1))
        const page = rest.slice(0, limit)
        const last = page.at(-1)
        return {
          sessions: page.map(shownSession),
          nextCursor: rest.length > limit && last !== undefined ? writeCursor(last) : null,
        }
      }),
    count: (which, nowMs) =>
      log.ask(({ logins }) => logins.chosen(which).filter((state) => isLive(state, nowMs)).length),
    sweep: (nowMs, limit) => log.submit(['sweep', nowMs, Math.min(limit, Number.MAX_SAFE_INTEGER)]),
  }
}

interface Listed {
  readonly createdAtMs: number
  readonly sid: string
}

/** Newest first. */
function isListedBefore(a: Listed, b: Listed): boolean {
  return a.createdAtMs > b.createdAtMs || (a.createdAtMs === b.createdAtMs && a.sid > b.sid)
}

function isLive(state: SessionState, nowMs: number): boolean {
  return state.endedAtMs === null && state.expiresAtMs > nowMs
}
