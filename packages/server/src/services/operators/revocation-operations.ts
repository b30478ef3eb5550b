import { type Clock, type Ledger, type Rescind, RescindError } from 'rescind'
import { type AuditTrail, byOf } from './audit-trail.ts'
import { isUsableId } from './operator-ids.ts'
import type { Operators, RevocationWish } from './operators.ts'
import { createRevocationListing } from './revocation-listing.ts'

/** What operators' work on revocations is made of. */
export interface RevocationOperationsOptions {
  readonly auth: Rescind
  readonly ledger: Ledger
  readonly trail: AuditTrail
  readonly clock: Clock
}

/** What operators revoke. */
export function createRevocationOperations(options: RevocationOperationsOptions): Operators['revocations'] {
  const { auth, ledger, trail, clock } = options

  const countSessions = async (wish: RevocationWish): Promise<{ readonly sessions: number }> => {
    const id = checkedId(wish)
    switch (wish.kind) {
      // It takes no session with it: the refresh token of the same login gets another.
      case 'token':
        return { sessions: 0 }
      case 'session':
        return auth.preview({ kind: 'session', sid: id })
      case 'subject':
        return auth.preview({ kind: 'subject', sub: id })
      case 'everything':
        return auth.preview({ kind: 'everything' })
    }
  }

  return {
    preview: countSessions,
    async revoke(act, order) {
      const { kind, maxSessions = Number.POSITIVE_INFINITY } = order
      const id = checkedId(order)
      const why = { by: byOf(act), reason: act.reason ?? 'revoked by an operator' }
      const target = { kind, id: kind === 'everything' ? null : id }
      await trail.audited(act, { action: 'revocation.create', target }, async () => {
        if (maxSessions < Number.POSITIVE_INFINITY && (await countSessions(order)).sessions > maxSessions) {
          throw new RescindError(
            'forbidden',
            'This would end more sessions than max_sessions: look at a preview again.',
          )
        }
        if (kind === 'token') await auth.revoke.token({ jti: id }, why)
        else if (kind === 'session') await auth.revoke.session(id, why)
        else if (kind === 'subject') await auth.revoke.subject(id, why)
        else await auth.revoke.everything(why)
      })
    },
    list: createRevocationListing(ledger, clock),
  }
}

/** What the wish names; empty for everything. Throws `invalid_request`. */
function checkedId({ kind, id }: RevocationWish): string {
  if (kind === 'everything') {
    // Whoever names one thing does not mean all.
    if (id !== undefined) throw new RescindError('invalid_request', 'To revoke everything, name no id.')
    return ''
  }
  if (id !== undefined && isUsableId(id)) return id
  throw new RescindError('invalid_request', 'Name the id: 1 to 512 characters, and no control characters.')
}
