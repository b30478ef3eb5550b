import type { ErrorCode } from '../base/errors.ts'
import { RescindError } from '../base/errors.ts'
import type { TokenIds } from '../base/types.ts'
import type { Ledger } from '../revocation/ledger.ts'
import type { Replica } from '../revocation/replica.ts'
import type { Revocation, RevocationKind } from '../revocation/revocation.ts'
import { recording } from './revoke.ts'
import type { Tenants } from './tenants.ts'

/** Why a token passes or is refused, for the operator who is asked about it. */
export type Explanation =
  | { readonly verdict: 'live'; readonly ids: TokenIds; readonly expiresAtMs: number }
  | {
      readonly verdict: 'revoked'
      readonly ids: TokenIds
      readonly kind: RevocationKind
      /**
       * The record as the ledger keeps it: by whom, why, when (`at`) and until when (`expiresAt`). `null` where the ledger
       * has not (or no longer) what this process holds in memory.
       */
      readonly revocation: Revocation | null
    }
  | { readonly verdict: 'refused'; readonly code: ErrorCode; readonly message: string }

/** Says why a token passes or is refused; asks the ledger for the record that killed it. */
export type Explain = (token: string) => Promise<Explanation>

/** Composes {@link Explain}. `wallNow` is in milliseconds since the epoch. */
export function createExplain(parts: {
  tenants: Tenants
  replica: Replica
  ledger: Ledger
  wallNow: () => number
}): Explain {
  const { tenants, replica, ledger, wallNow } = parts
  return async (token) => {
    const nowMs = wallNow()
    try {
      const { jti, sid, sub, iatMs, expMs: expiresAtMs } = (await tenants.verify(token, nowMs, true)).verified
      const ids = { jti, sid, sub, iatMs }
      const revocation = await recording(() => ledger.find(ids, nowMs))
      const kind = revocation?.kind ?? replica.find(ids)
      return kind === null ? { verdict: 'live', ids, expiresAtMs } : { verdict: 'revoked', ids, kind, revocation }
    } catch (error) {
      if (!(error instanceof RescindError) || error.code === 'revocation_unavailable') throw error
      return { verdict: 'refused', code: error.code, message: error.message }
    }
  }
}
