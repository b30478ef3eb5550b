import { doneBy, type History, isOpen, succeeded } from './history.ts'
import type { ActRecord } from './journal.ts'
import type { Blame } from './violations.ts'

/** Whether a login was let in, or refused, as what is known of the password and the account says. */
export function blameLogin(act: ActRecord, history: History, blame: Blame): void {
  const others = history.accountActs(act.user).filter((other) => other !== act)
  const sets = others.filter(({ password }) => password !== null)
  const mine = sets.find(({ password }) => password === act.password)
  if (mine === undefined) return
  const successor = successorOf(mine, sets, act)
  if (succeeded(act)) {
    if (successor !== undefined) blame('old_password_accepted', act, successor)
    const disabled = others.find(
      (other) =>
        other.act === 'disable' &&
        !isOpen(other) &&
        other.endMs <= act.startMs &&
        !others.some(
          ({ act: name, endMs, startMs }) => name === 'enable' && endMs >= other.startMs && startMs <= act.endMs,
        ),
    )
    if (disabled !== undefined) blame('disabled_account_accepted', act, disabled)
    return
  }
  // It is certainly the current one where it was set before, and no other may have been set since.
  if (isOpen(mine) || mine.endMs > act.startMs) return
  if (sets.some((other) => other !== mine && doneBy(other) >= mine.startMs && other.startMs <= act.endMs)) return
  // A login that is under way when the account is changed is refused, whatever the change.
  if (others.some((other) => other !== mine && doneBy(other) >= act.startMs && other.startMs <= act.endMs)) return
  if (!mayBeDisabled(act, others)) blame('login_refused', act, mine)
}

/** True for a login with a password that another has certainly replaced. */
export function triesOldPassword(act: ActRecord, history: History): boolean {
  const sets = history.accountActs(act.user).filter(({ password }) => password !== null)
  const mine = sets.find(({ password }) => password === act.password)
  return mine !== undefined && successorOf(mine, sets, act) !== undefined
}

/** What has certainly replaced a password before an act began. */
function successorOf(mine: ActRecord, sets: readonly ActRecord[], act: ActRecord): ActRecord | undefined {
  return sets.find(
    (other) => other !== mine && !isOpen(other) && other.startMs >= doneBy(mine) && other.endMs <= act.startMs,
  )
}

function mayBeDisabled(act: ActRecord, others: readonly ActRecord[]): boolean {
  return others.some(
    (other) =>
      other.act === 'disable' &&
      other.startMs <= act.endMs &&
      !others.some(
        (later) =>
          later.act === 'enable' && succeeded(later) && later.startMs >= doneBy(other) && later.endMs <= act.startMs,
      ),
  )
}
