import { historyOf, isHonest, isTheft, succeeded } from './history.ts'
import type { ActRecord, Journal } from './journal.ts'
import { blameLogin, triesOldPassword } from './login-rules.ts'
import { blameRefusal } from './refusal-rules.ts'
import type { Blame, Violation } from './violations.ts'

/** The judgement of a run. The counts say how often it could have failed. */
export interface Verdict {
  readonly violations: readonly Violation[]
  readonly checked: {
    /** Acts with a token that was certainly dead, and had to be refused. */
    readonly deadTokens: number
    /** Acts with a token that was certainly alive, and had to be accepted. */
    readonly liveTokens: number
    /** Acts with a refresh token that another had exchanged already, or did at the same time. */
    readonly sharedRefreshes: number
    /** Refreshes by which a thief certainly gave himself away, in a session that was not certainly dead. */
    readonly thefts: number
    readonly logins: number
    /** Those with a password that had certainly been replaced. */
    readonly oldPasswords: number
    readonly unavailable: number
    readonly unanswered: number
  }
  /** The latest that a token was still accepted after the acknowledgement of its end, within what is allowed. */
  readonly latestAcceptMs: number
}

// What the clocks of the run and the service may differ by, and what the service grants.
const EXPIRY_TOLERANCE_MS = 5_000

/** Judges a journal. It is a pure function: the same journal gives the same verdict. */
export function judge(journal: Journal): Verdict {
  const history = historyOf(journal)
  const refusals = firstRefusals(journal)
  const violations: Violation[] = []
  const checked = {
    deadTokens: 0,
    liveTokens: 0,
    sharedRefreshes: 0,
    thefts: 0,
    logins: 0,
    oldPasswords: 0,
    unavailable: 0,
    unanswered: 0,
  }
  let latestAcceptMs = 0
  const blame: Blame = (fault, act, against = null) => violations.push({ fault, act, against })

  const judgeToken = (act: ActRecord, shown: number) => {
    const token = history.tokens.get(shown)
    if (token === undefined) throw new Error(`act ${act.id} shows a token that nobody was given`)
    const endings = history.endings(token.session).filter(({ by }) => by !== act)
    const certain = endings.filter(({ isCertain }) => isCertain).map(({ by }) => by)
    // What was refused once stays refused, whether or not it is known who ended it.
    const refusal = refusals.get(shown)
    const deaths = refusal === undefined ? certain : [...certain, refusal]
    const death = deaths.find((by) => by !== act && act.startMs >= by.endMs + allowanceOf(act, by, journal))
    const { expiresMs } = token
    if (death !== undefined) checked.deadTokens += 1
    const isThief = death === undefined && isTheft(act, journal.facts.graceMs, history)
    if (isThief) checked.thefts += 1
    if (accepts(act)) {
      if (death !== undefined) blame('dead_token_accepted', act, death)
      else if (isThief) blame('theft_unnoticed', act)
      else latestAcceptMs = Math.max(latestAcceptMs, ...certain.map((by) => act.startMs - by.endMs))
      if (expiresMs !== null && act.startMs > expiresMs + EXPIRY_TOLERANCE_MS) {
        blame('dead_token_accepted', act, token.givenBy)
      }
    }
    if (endings.some(({ by }) => by.startMs <= act.endMs)) return
    if (expiresMs !== null && act.endMs > expiresMs - EXPIRY_TOLERANCE_MS) return
    if (token.kind === 'refresh') {
      if (history.exchanges(shown).some((other) => other !== act && other.startMs <= act.endMs))
        checked.sharedRefreshes += 1
      if (isThief) {
        if (act.status === 401 && act.code !== 'refresh_token_reused') blame('live_session_lost', act)
        return
      }
      if (!isHonest(act, journal.facts.graceMs, history)) return
      if (act.code === 'refresh_token_reused') return blame('false_theft_alarm', act)
    }
    checked.liveTokens += 1
    if (act.status === 401) blame('live_session_lost', act)
  }

  for (const act of journal.acts) {
    if (act.status === null || act.status >= 500) {
      if (act.status === null) checked.unanswered += 1
      if (act.status === 503) checked.unavailable += 1
      const isExcused = isDisturbed(act, journal)
      if (act.status === null && !isExcused) blame('no_answer', act)
      if (act.status === 503 && !isExcused) blame('unavailable', act)
      if (act.status !== null && act.status !== 503) blame('server_error', act)
      continue
    }
    if (act.act === 'login') {
      checked.logins += 1
      if (triesOldPassword(act, history)) checked.oldPasswords += 1
      blameLogin(act, history, blame)
    }
    if (!succeeded(act)) blameRefusal(act, history, blame)
    if (act.token !== null) judgeToken(act, act.token)
  }
  for (const [first, second] of successorsOf(journal)) blame('two_successors', second, first)
  return { violations, checked, latestAcceptMs }
}

/** By token: the act that was first told that it is revoked. */
function firstRefusals({ acts }: Journal): Map<number, ActRecord> {
  const first = new Map<number, ActRecord>()
  for (const act of acts) {
    if (act.token === null || act.code !== 'token_revoked') continue
    const earlier = first.get(act.token)
    if (earlier === undefined || act.endMs < earlier.endMs) first.set(act.token, act)
  }
  return first
}

/**
 * None where the node acknowledged the end itself, and for refreshes, which the database decides; elsewhere what the
 * node is allowed.
 */
function allowanceOf(act: ActRecord, by: ActRecord, { facts }: Journal): number {
  if (act.act === 'refresh' || act.node === by.node) return 0
  return facts.allowanceMs[act.node] ?? 0
}

// What falls silent within a transaction keeps its locks until PostgreSQL ends it, and so holds up everybody for a moment.
const LOCKING: ReadonlySet<string> = new Set(['vanish a node', 'black-hole a node', 'pause a node'])

/** True where the node, or all of them, were broken while the act ran, or shortly before. */
function isDisturbed(act: ActRecord, { faults, facts }: Journal): boolean {
  return faults.some(
    ({ what, node, startMs, endMs }) =>
      (node === null || node === act.node || LOCKING.has(what)) &&
      startMs <= act.endMs &&
      act.startMs <= endMs + facts.recoveryMs,
  )
}

/** True where the token was taken for good: who may not end a session is told so before it is looked for. */
function accepts(act: ActRecord): boolean {
  return succeeded(act) || (act.act === 'endSession' && act.status === 404)
}

/** Pairs of acts that were given different refresh tokens for the same one. */
function successorsOf({ acts }: Journal): [ActRecord, ActRecord][] {
  const first = new Map<number, ActRecord>()
  const pairs: [ActRecord, ActRecord][] = []
  for (const act of acts) {
    if (act.act !== 'refresh' || act.token === null || act.gave === null) continue
    const earlier = first.get(act.token)
    if (earlier === undefined) first.set(act.token, act)
    else if (earlier.gave?.refresh !== act.gave.refresh) pairs.push([earlier, act])
  }
  return pairs
}
