import { type Rescind, RescindError } from 'rescind'
import type { Keys } from '../keys.ts'
import { type AuditTrail, byOf } from './audit-trail.ts'
import { refuseImpossibleId } from './operator-ids.ts'
import type { Operators } from './operators.ts'

/** What operators' work on signing keys is made of. */
export interface KeyOperationsOptions {
  readonly auth: Rescind
  /** `null`: the service has none in its database. */
  readonly keys: Keys | null
  readonly trail: AuditTrail
}

/** What operators do with signing keys. */
export function createKeyOperations({ auth, keys: known, trail }: KeyOperationsOptions): Operators['keys'] {
  const shared = (): Keys => {
    if (known !== null) return known
    throw new RescindError(
      'forbidden',
      'The signing key is the one of the configuration: KEY_ENCRYPTION_KEY is not set.',
    )
  }
  return {
    list: async () => shared().list(),
    async rotate(act) {
      const keys = shared()
      return trail.audited(act, { action: 'key.rotate' }, () => keys.rotate())
    },
    async retire(act, kid) {
      const keys = shared()
      refuseImpossibleId(kid)
      await trail.audited(act, { action: 'key.retire', target: { kind: 'key', id: kid } }, async () => {
        await keys.check(kid)
        // First: were the key taken out and this then failed, whoever has the key could go on with tokens from before.
        await auth.revoke.everything({ by: byOf(act), reason: act.reason ?? 'a signing key was retired' })
        // Another operator may have taken it out meanwhile: then all is as it was asked for.
        await keys.retire(kid).catch((error: unknown) => {
          if (!(error instanceof RescindError && error.code === 'not_found')) throw error
        })
      })
    },
  }
}
