import type { ActRecord, Journal } from './journal.ts'

/** What was not answered may still come to pass for a while: a server that was stopped goes on, a commit is under way. */
export const AFTERGLOW_MS = 15_000
// The grace is counted by the clock of an instance, from some moment of the exchange.
const CLOCKS_DIFFER_MS = 500

/** A token, and how it came into the world. */
export interface KnownToken {
  readonly kind: 'access' | 'refresh'
  readonly session: number
  /** `null` for refresh tokens, which outlive every run. */
  readonly expiresMs: number | null
  readonly givenBy: ActRecord
}

/** A login, and everything that descends from it. */
export interface KnownSession {
  readonly user: number
  readonly startedBy: ActRecord
}

/** An act that ends sessions, or may have. */
export interface Ending {
  readonly by: ActRecord
  /** It was acknowledged. Otherwise it may have happened, at any time until `untilMs`. */
  readonly isCertain: boolean
  readonly untilMs: number
}

/** What a journal says happened, arranged for questions. */
export interface History {
  readonly tokens: ReadonlyMap<number, KnownToken>
  readonly sessions: ReadonlyMap<number, KnownSession>
  /** What ended a session, certainly or perhaps. */
  endings(session: number): readonly Ending[]
  /** The acts on the account of a user that change who may log in. */
  accountActs(user: number): readonly ActRecord[]
  /** The exchanges of a refresh token: those that succeeded and those whose outcome nobody knows. */
  exchanges(token: number): readonly ActRecord[]
  /** The requests of a user for a link, and the uses of links, whatever became of them. */
  linkActs(user: number): readonly ActRecord[]
}

const endsEverything = new Set(['endAll', 'endOthers', 'changePassword', 'resetPassword', 'disable'])
const usesLinks = new Set(['forgotPassword', 'resetPassword'])
const changesAccount = new Set(['register', 'changePassword', 'resetPassword', 'disable', 'enable'])

/** True where the service said that it was done. */
export function succeeded({ status }: ActRecord): boolean {
  return status !== null && status >= 200 && status < 300
}

/** True where nobody knows whether it was done. */
export function isOpen(record: ActRecord): boolean {
  if (record.status === null || record.status >= 500) return true
  // The change was made, and the login after it was refused, since the account was changed once more.
  return record.act === 'changePassword' && record.code === 'invalid_credentials'
}

/** When the effects of an act are there at the latest. */
export function doneBy(record: ActRecord): number {
  return isOpen(record) ? record.endMs + AFTERGLOW_MS : record.endMs
}

/** Arranges a journal. */
export function historyOf(journal: Journal): History {
  const { acts } = journal
  const tokens = new Map<number, KnownToken>()
  const sessions = new Map<number, KnownSession>()
  for (const record of acts) {
    const { gave } = record
    if (gave === null) continue
    const { session, access, refresh, accessExpiresMs } = gave
    const older = tokens.get(access)
    if (older === undefined || older.givenBy.startMs > record.startMs) {
      tokens.set(access, { kind: 'access', session, expiresMs: accessExpiresMs, givenBy: record })
    }
    if (!tokens.has(refresh)) tokens.set(refresh, { kind: 'refresh', session, expiresMs: null, givenBy: record })
    if (!sessions.has(session)) sessions.set(session, { user: record.user, startedBy: record })
  }
  const sessionsOf = grouped([...sessions.keys()], (session) => sessions.get(session)?.user)
  const effective = acts.filter((record) => succeeded(record) || isOpen(record))
  const exchanges = grouped(
    effective.filter(({ act }) => act === 'refresh'),
    ({ token }) => token,
  )
  const accountActs = grouped(
    effective.filter(({ act }) => changesAccount.has(act)),
    ({ user }) => user,
  )
  const linkActs = grouped(
    acts.filter(({ act }) => usesLinks.has(act)),
    ({ user }) => user,
  )
  const parts = { exchanges: (token: number) => exchanges.get(token) ?? [] }
  const endings = new Map<number, Ending[]>()
  const end = (session: number | undefined, ending: Ending) => {
    if (session === undefined) return
    const known = endings.get(session) ?? []
    endings.set(session, known)
    known.push(ending)
  }
  for (const record of acts) {
    const isCertain = succeeded(record)
    const isFoundOut = foundTheft(record, journal.facts.graceMs, parts)
    if (!isCertain && !isOpen(record) && !isFoundOut) continue
    const shown = record.token === null ? undefined : tokens.get(record.token)?.session
    const ending = { by: record, isCertain, untilMs: doneBy(record) }
    if (record.act === 'logout') end(shown, ending)
    if (record.act === 'endSession') end(record.target ?? undefined, ending)
    // A theft that was found out ends the session; one that nobody heard of may have been found out.
    if (record.act === 'refresh' && !isCertain && !isHonest(record, journal.facts.graceMs, parts)) {
      end(shown, { ...ending, isCertain: isFoundOut })
    }
    if (!endsEverything.has(record.act)) continue
    for (const session of sessionsOf.get(record.user) ?? []) {
      const startedBy = sessions.get(session)?.startedBy
      if (startedBy === undefined || startedBy === record) continue
      if (record.act === 'endOthers' && session === shown) continue
      if (startedBy.startMs > ending.untilMs) continue
      // Which of two that overlap came first is not known from outside.
      end(session, { ...ending, isCertain: isCertain && startedBy.endMs <= record.startMs })
    }
  }
  return {
    tokens,
    sessions,
    endings: (session) => endings.get(session) ?? [],
    accountActs: (user) => accountActs.get(user) ?? [],
    linkActs: (user) => linkActs.get(user) ?? [],
    ...parts,
  }
}

/**
 * True where a refresh shows the session's current token, or its parent within grace: it must get the one successor that
 * there is. False where it may be taken for a theft.
 */
export function isHonest(record: ActRecord, graceMs: number, { exchanges }: Pick<History, 'exchanges'>): boolean {
  const others = record.token === null ? [] : exchanges(record.token).filter((other) => other !== record)
  return others.every((other) => {
    if (other.startMs > record.endMs) return true
    if (record.endMs - other.startMs > graceMs) return false
    return other.gave === null || exchanges(other.gave.refresh).every((child) => child.startMs > record.endMs)
  })
}

/**
 * True where a refresh certainly shows an older token than the current one and its parent within grace: its successor was
 * exchanged before, or it was itself exchanged longer ago than the grace.
 */
export function isTheft(record: ActRecord, graceMs: number, { exchanges }: Pick<History, 'exchanges'>): boolean {
  if (record.act !== 'refresh' || record.token === null) return false
  const isBefore = (other: ActRecord, ms = 0) => other.gave !== null && other.endMs + ms < record.startMs
  return exchanges(record.token).some(
    (other) =>
      isBefore(other, graceMs + CLOCKS_DIFFER_MS) ||
      (isBefore(other) && other.gave !== null && exchanges(other.gave.refresh).some((child) => isBefore(child))),
  )
}

/** True where the answer says that the session is dead: for the reuse, or since it was dead before. */
function foundTheft(record: ActRecord, graceMs: number, parts: Pick<History, 'exchanges'>): boolean {
  return record.code === 'refresh_token_reused' || (record.status === 401 && isTheft(record, graceMs, parts))
}

function grouped<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
}
