import { type Rescind, RescindError, type SessionRecord } from 'rescind'
import type { Users } from '../../repositories/users.ts'
import { noAccount } from '../no-account-error.ts'
import { type AuditTrail, byOf } from './audit-trail.ts'
import { isPlaceText, limitOf, readCursor, writeCursor } from './listing.ts'
import { refuseImpossibleId } from './operator-ids.ts'
import type { Operators } from './operators.ts'

/** What operators' work on sessions is made of. */
export interface SessionOperationsOptions {
  readonly auth: Rescind
  readonly users: Users
  readonly trail: AuditTrail
}

/** What operators do with the sessions of others. */
export function createSessionOperations(options: SessionOperationsOptions): Operators['sessions'] {
  const { auth, users, trail } = options
  const refuseUnknown = async (sub: string): Promise<void> => {
    refuseImpossibleId(sub)
    if ((await users.byId(sub)) === null) throw noAccount()
  }
  const living = async (sid: string): Promise<SessionRecord> => {
    const session = await auth.sessions.get(sid)
    if (session === null) throw new RescindError('not_found', 'There is no live session with this id.')
    return session
  }
  return {
    async list(sub, request) {
      await refuseUnknown(sub)
      const limit = limitOf(request)
      const cursor = readCursor(request, 'sessions', ([place]) => (isPlaceText(place) ? place : null)) ?? undefined
      const { sessions, nextCursor } = await auth.sessions.list(sub, { limit, cursor })
      return { items: sessions, nextCursor: nextCursor === null ? null : writeCursor('sessions', [nextCursor]) }
    },
    async end(act, sid) {
      refuseImpossibleId(sid)
      await trail.audited(act, { action: 'session.end', target: { kind: 'session', id: sid } }, async () => {
        await living(sid)
        await auth.revoke.session(sid, { by: byOf(act), reason: act.reason ?? 'ended by an operator' })
      })
    },
    async endAll(act, sub) {
      refuseImpossibleId(sub)
      return trail.audited(act, { action: 'user.end_sessions', target: { kind: 'user', id: sub } }, async () => {
        await refuseUnknown(sub)
        return auth.revoke.subject(sub, { by: byOf(act), reason: act.reason ?? 'ended by an operator' })
      })
    },
  }
}
