import type { Rescind, RevokeReason } from 'rescind'
import type { Database } from '../database.ts'
import type { Repositories } from '../repositories/repositories.ts'

/** Changes of an account that its sessions must not outlive. */
export interface AccountChanges {
  /**
   * Makes the change and ends all sessions of the account. Rejects when either fails, with `overloaded`,
   * `revocation_unavailable` or whatever the change rejects with.
   */
  endingSessions<T>(end: { sub: string } & RevokeReason, change: (within: Repositories) => Promise<T>): Promise<T>
}

/** Both in one transaction: whatever happens, both come to pass or neither. For a store in the accounts' own database. */
export function changesInOneTransaction(auth: Rescind, database: Database): AccountChanges {
  return {
    async endingSessions({ sub, ...why }, change) {
      const { result, sessions } = await database.inTransaction(async ({ transaction, ...within }) => {
        const result = await change(within)
        // Last, since it makes every other revocation wait until the commit.
        return { result, sessions: await auth.revoke.within(transaction).subject(sub, why) }
      })
      sessions.committed()
      return result
    },
  }
}

/**
 * For a store that shares no transaction with the accounts. The sessions are ended before the change commits, so that a
 * crash in between leaves the old password with no session: an annoyance, where the other order would leave a thief's
 * session alive under the new password. Another process may let somebody in with the old password in between; so
 * whatever has begun by the time of the commit is ended once more after it.
 */
export function changesAcrossStores(auth: Rescind, database: Database): AccountChanges {
  return {
    async endingSessions({ sub, ...why }, change) {
      const result = await database.inTransaction(async (within) => {
        const result = await change(within)
        await auth.revoke.subject(sub, why)
        return result
      })
      await auth.revoke.subject(sub, why)
      return result
    },
  }
}
