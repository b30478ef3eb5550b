import type { SessionSelector } from '../../session/sessions.ts'
import type { SessionState } from '../shared/rotation.ts'
import { isChosen } from '../shared/session-end.ts'
import { createExpiryQueue } from './expiry.ts'
import { sessionBytes } from './rows.ts'

/** The sessions in memory: in the order they were started, by subject, and by expiry. */
export interface Logins {
  readonly count: number
  /** About how many bytes they take in a snapshot. */
  readonly bytes: number
  get(sid: string): SessionState | null
  add(state: SessionState): void
  /** Replaces the state of a session that is there. */
  update(state: SessionState): void
  /** The sessions not ended that a selector names, in the order they were started. */
  chosen(which: SessionSelector): SessionState[]
  /** The sessions of a subject that have not ended. */
  of(sub: string): SessionState[]
  /** Forgets up to `limit` sessions that have expired, those that expired first before others; answers how many. */
  sweep(nowMs: number, limit: number): number
  hasExpired(nowMs: number): boolean
  all(): SessionState[]
}

interface Login {
  state: SessionState
  readonly order: number
  /** When to look at it: its own entry in the queue is the one with this time. No later than the session's expiry. */
  dueMs: number
  gone: boolean
}

interface Due {
  readonly login: Login
  readonly dueMs: number
}

/** Makes an empty table. */
export function createLogins(): Logins {
  const logins = new Map<string, Login>()
  const bySubject = new Map<string, Set<Login>>()
  // The order of expiry is the same in every process that reads the log: by deadline, then by start.
  const expiry = createExpiryQueue<Due>((a, b) =>
    a.dueMs === b.dueMs ? a.login.order < b.login.order : a.dueMs < b.dueMs,
  )
  let started = 0
  let bytes = 0

  const schedule = (login: Login, dueMs: number) => {
    login.dueMs = dueMs
    expiry.add({ login, dueMs })
  }

  const leaveSubject = (login: Login) => {
    const others = bySubject.get(login.state.sub)
    if (others?.delete(login) && others.size === 0) bySubject.delete(login.state.sub)
  }

  /** A rotation moves a session's expiry on without touching the queue; it is put in its new place when it comes up. */
  const firstToExpire = (): Login | undefined => {
    for (let first = expiry.first(); first !== undefined; first = expiry.first()) {
      const { login, dueMs } = first
      if (login.gone || dueMs !== login.dueMs) expiry.removeFirst()
      else if (login.state.expiresAtMs > dueMs) {
        expiry.removeFirst()
        schedule(login, login.state.expiresAtMs)
      } else return login
    }
    return undefined
  }

  const ofSubject = (sub: string) => Array.from(bySubject.get(sub) ?? [], (login) => login.state)
  const oneOf = (sid: string) => [logins.get(sid)].flatMap((login) => login?.state ?? [])
  const all = () => Array.from(logins.values(), (login) => login.state)

  return {
    get count() {
      return logins.size
    },
    get bytes() {
      return bytes
    },
    get: (sid) => logins.get(sid)?.state ?? null,
    add(state) {
      const login: Login = { state, order: started, dueMs: 0, gone: false }
      started += 1
      logins.set(state.sid, login)
      bytes += sessionBytes(state)
      schedule(login, state.expiresAtMs)
      if (state.endedAtMs !== null) return
      const others = bySubject.get(state.sub)
      if (others === undefined) bySubject.set(state.sub, new Set([login]))
      else others.add(login)
    },
    update(state) {
      const login = logins.get(state.sid)
      if (login === undefined) return
      bytes += sessionBytes(state) - sessionBytes(login.state)
      login.state = state
      if (state.endedAtMs !== null) leaveSubject(login)
      if (state.expiresAtMs < login.dueMs) schedule(login, state.expiresAtMs)
    },
    chosen(which) {
      const some = 'sid' in which ? oneOf(which.sid) : 'sub' in which ? ofSubject(which.sub) : all()
      return some.filter((state) => state.endedAtMs === null && isChosen(state, which))
    },
    of: ofSubject,
    sweep(nowMs, limit) {
      let swept = 0
      for (let login = firstToExpire(); swept < limit; login = firstToExpire()) {
        if (login === undefined || login.state.expiresAtMs > nowMs) break
        login.gone = true
        logins.delete(login.state.sid)
        leaveSubject(login)
        bytes -= sessionBytes(login.state)
        swept += 1
      }
      return swept
    },
    hasExpired: (nowMs) => (firstToExpire()?.state.expiresAtMs ?? Number.POSITIVE_INFINITY) <= nowMs,
    all,
  }
}
