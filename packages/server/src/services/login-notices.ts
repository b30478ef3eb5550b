import { RescindError } from 'rescind'
import type { Users } from '../repositories/users.ts'
import type { AccountMail } from './account-mail.ts'
import type { Errands } from './errands.ts'

/** What owners are told of logins. */
export interface LoginNotices {
  /** Tells the owner by e-mail of a login amid wrong passwords. Never waits, and never fails. */
  suspiciousLogin(emailKey: string): void
}

/** Composes it from where accounts are kept and how mails are sent. */
export function createLoginNotices(parts: { users: Users; mail: AccountMail; errands: Errands }): LoginNotices {
  const { users, mail, errands } = parts
  return {
    suspiciousLogin(emailKey) {
      try {
        errands.take('notice of a login', async () => {
          const user = await users.byEmailKey(emailKey)
          if (user !== null) mail.suspiciousLogin(user.email)
        })
      } catch (error) {
        // Too much waits to be done: the login must not fail for the notice of it.
        if (!(error instanceof RescindError && error.code === 'overloaded')) throw error
      }
    },
  }
}
