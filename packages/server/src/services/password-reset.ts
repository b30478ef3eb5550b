import type { Users } from '../repositories/users.ts'
import type { AccountChanges } from './account-changes.ts'
import type { AccountMail } from './account-mail.ts'
import type { EmailAddress } from './email-address.ts'
import type { Errands } from './errands.ts'
import type { MailedSecrets } from './mailed-secrets.ts'
import { refuseWeakPassword } from './password-strength.ts'
import type { Passwords } from './passwords.ts'

/** A forgotten password, and the way to another one by e-mail. */
export interface PasswordReset {
  /** Answers before it knows whether there is such an account; the mail goes to the account's own address. */
  ask(email: EmailAddress): void
  /**
   * Sets another password and ends all sessions of the account: both or neither. That the mail arrived also proves the
   * address, which is answered, and whose it is. Rejects with `token_invalid` or `password_too_weak`.
   */
  reset(
    wish: { secret: string; newPassword: string },
    signal?: AbortSignal,
  ): Promise<{ readonly email: EmailAddress; readonly userId: string }>
}

/** What it is made of. */
export interface PasswordResetOptions {
  readonly users: Users
  readonly changes: AccountChanges
  readonly passwords: Passwords
  readonly secrets: MailedSecrets
  readonly mail: AccountMail
  readonly errands: Errands
}

/** Composes it from where accounts are kept and how mails are sent. */
export function createPasswordReset(options: PasswordResetOptions): PasswordReset {
  const { users, changes, passwords, secrets, mail, errands } = options
  return {
    ask(email) {
      errands.take('password reset', async () => {
        const user = await users.byEmailKey(email.key)
        const issued = user === null ? null : await secrets.issue({ userId: user.id, purpose: 'reset' })
        // Two spellings can share a key: the account's own is the one that was proved.
        if (issued !== null) mail.resetPassword(issued.user.email, issued.secret)
      })
    },
    async reset({ secret, newPassword }, signal) {
      const token = await secrets.read(secret, ['reset'])
      const { address, addressKey, userId: sub } = token
      await refuseWeakPassword(newPassword, { address, key: addressKey })
      const passwordHash = await passwords.hash(newPassword, signal)
      await changes.endingSessions({ sub, by: sub, reason: 'password reset' }, async (within) => {
        await secrets.spend(token, within)
        await within.mailTokens.kill(sub)
        await within.users.resetPassword(sub, passwordHash)
      })
      mail.passwordChanged(address)
      return { email: { address, key: addressKey }, userId: sub }
    },
  }
}
