import type { Rescind } from 'rescind'

/** Ends a user's oldest sessions beyond the limit. To be called once a new one has begun. */
export type SessionCap = (sub: string) => Promise<void>

const PAGE = 100

/**
 * Of logins at the same time, each ends what is beyond the limit of those it sees, and the last to look sees all: the
 * limit is exceeded for no longer than such a burst lasts. Since all put the sessions in one order, none ends a session
 * that another would keep.
 */
export function createSessionCap(auth: Rescind, limit: number): SessionCap {
  return async (sub) => {
    const { sessions: live } = await auth.preview({ kind: 'subject', sub })
    if (live <= limit) return
    let kept = 0
    let cursor: string | undefined
    do {
      const page = await auth.sessions.list(sub, { limit: PAGE, cursor })
      const surplus = page.sessions.slice(Math.max(0, limit - kept))
      kept += page.sessions.length - surplus.length
      await Promise.all(surplus.map(({ sid }) => auth.revoke.session(sid, { reason: 'too many sessions' })))
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
  }
}
