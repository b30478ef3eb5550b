import { type Rescind, RescindError } from 'rescind'
import { DeadlineError, STORAGE_DEADLINE_MS, withDeadline } from './deadline.ts'

/** Who hears how the store's writes go. */
export interface WriteOutcomes {
  succeeded(): void
  failed(): void
}

/**
 * The same, but no request waits longer for the store than {@link STORAGE_DEADLINE_MS}: it is refused with
 * `revocation_unavailable` then, and whether the change was made is not known. The panic button is left to take its
 * time: it may end very many sessions, and nobody wants it to give up.
 */
export function timelyRescind(auth: Rescind, outcomes: WriteOutcomes): Rescind {
  const reading = async <T>(verb: () => Promise<T>): Promise<T> => {
    try {
      return await withDeadline(verb(), STORAGE_DEADLINE_MS)
    } catch (cause) {
      if (cause instanceof RescindError) throw cause
      throw new RescindError('revocation_unavailable', 'The store did not answer: try again.', { cause })
    }
  }
  const writing = async <T>(verb: () => Promise<T>): Promise<T> => {
    try {
      return await withDeadline(verb(), STORAGE_DEADLINE_MS)
    } catch (error) {
      const late = error instanceof DeadlineError
      if (late || (error instanceof RescindError && error.code === 'revocation_unavailable')) outcomes.failed()
      if (!late) throw error
      throw new RescindError('revocation_unavailable', 'The store did not take the change: try again.', {
        cause: error,
      })
    }
  }
  const proving = async <T>(verb: () => Promise<T>): Promise<T> => {
    const answer = await writing(verb)
    outcomes.succeeded()
    return answer
  }
  const { revoke, sessions } = auth
  return {
    ...auth,
    issue: (login) => proving(() => auth.issue(login)),
    // No proof: a token that was just exchanged is answered without writing.
    refresh: (token) => writing(() => auth.refresh(token)),
    preview: (revocation) => reading(() => auth.preview(revocation)),
    revoke: {
      token: (target, why) => proving(() => revoke.token(target, why)),
      session: (sid, why) => proving(() => revoke.session(sid, why)),
      subject: (sub, reach) => proving(() => revoke.subject(sub, reach)),
      everything: (reach) => revoke.everything(reach),
      within: (transaction) => revoke.within(transaction),
    },
    sessions: {
      get: (sid) => reading(() => sessions.get(sid)),
      list: (sub, page) => reading(() => sessions.list(sub, page)),
    },
    explain: (...question) => reading(() => auth.explain(...question)),
  }
}
