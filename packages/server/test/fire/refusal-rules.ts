import { AFTERGLOW_MS, doneBy, type History } from './history.ts'
import type { ActName, ActRecord } from './journal.ts'
import type { Blame } from './violations.ts'

// Codes that say: this token is no good.
const DEAD_TOKEN = ['token_revoked', 'token_expired', 'token_invalid']

// What each act may be refused with, and why is judged by other rules. An operator is never refused.
const KNOWN: Readonly<Record<ActName, readonly string[]>> = {
  register: [],
  login: ['invalid_credentials'],
  status: DEAD_TOKEN,
  verify: DEAD_TOKEN,
  refresh: [...DEAD_TOKEN, 'refresh_token_reused'],
  logout: DEAD_TOKEN,
  endSession: [...DEAD_TOKEN, 'not_found'],
  endOthers: DEAD_TOKEN,
  endAll: DEAD_TOKEN,
  changePassword: [...DEAD_TOKEN, 'invalid_credentials'],
  forgotPassword: [],
  resetPassword: ['token_invalid'],
  disable: [],
  enable: [],
}

/** Whether a refusal is one that the act may meet, as far as the token that it shows does not decide that. */
export function blameRefusal(act: ActRecord, history: History, blame: Blame): void {
  const status = act.code === 'not_found' ? 404 : 401
  const isKnown = act.status === status && KNOWN[act.act].includes(act.code ?? '')
  if (act.act === 'disable' || act.act === 'enable') blame('operator_refused', act)
  else if (!isKnown) blame('unexpected_answer', act)
  else if (act.act === 'endSession' && act.status === 404) blameMissing(act, history, blame)
  else if (act.act === 'resetPassword') blameLink(act, history, blame)
}

/** A session that somebody wants to end is there while nothing has ended it. */
function blameMissing(act: ActRecord, history: History, blame: Blame): void {
  const session = act.target === null ? undefined : history.sessions.get(act.target)
  if (act.target === null || session === undefined || session.startedBy.endMs > act.startMs) return
  const endings = history.endings(act.target).filter(({ by }) => by !== act)
  if (endings.every(({ by }) => by.startMs > act.endMs)) blame('live_session_lost', act, session.startedBy)
}

/** A link is certainly good the first time, while no other was asked for and nothing has changed the account. */
function blameLink(act: ActRecord, history: History, blame: Blame): void {
  const others = history.linkActs(act.user).filter((other) => other !== act && other.startMs <= act.endMs)
  const asked = others.filter((other) => other.act === 'forgotPassword').sort((one, two) => two.startMs - one.startMs)
  const [last, ...earlier] = asked
  if (last === undefined || others.some(({ link }) => link !== null && link === act.link)) return
  // The mail is written some time after the answer.
  if (earlier.some(({ endMs }) => endMs + AFTERGLOW_MS > last.startMs)) return
  const changes = history.accountActs(act.user).filter((other) => other !== act)
  if (changes.some((other) => other.startMs <= act.endMs && doneBy(other) >= last.startMs)) return
  blame('fresh_link_refused', act, last)
}
