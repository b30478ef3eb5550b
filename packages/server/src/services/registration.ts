import { type Clock, RescindError } from 'rescind'
import type { Database } from '../database.ts'
import type { UserRecord } from '../repositories/users.ts'
import type { AccountMail } from './account-mail.ts'
import type { Credentials } from './accounts.ts'
import type { EmailOwnership } from './email-ownership.ts'
import type { Errands } from './errands.ts'
import type { MailedSecrets } from './mailed-secrets.ts'
import { refuseWeakPassword } from './password-strength.ts'
import type { Passwords } from './passwords.ts'

/**
 * Who may register: everybody, everybody who then follows a link in a mail, or nobody.
 */
export type RegistrationMode = 'open' | 'verify' | 'closed'

/** The making of new accounts. */
export interface Registration {
  /**
   * Answers the new account, or `null` where the answer to the client is the same in any case and the owner of the
   * address gets the true one by e-mail. Rejects with `forbidden`, `password_too_weak` or `email_taken`.
   */
  register(credentials: Credentials, signal?: AbortSignal): Promise<UserRecord | null>
}

/** What it is made of. */
export interface RegistrationOptions {
  readonly mode: RegistrationMode
  readonly database: Database
  readonly passwords: Passwords
  readonly secrets: MailedSecrets
  readonly ownership: EmailOwnership
  readonly mail: AccountMail
  readonly errands: Errands
  readonly clock: Clock
  readonly newId: () => string
}

/** Composes it from where accounts are kept and how mails are sent. */
export function createRegistration(options: RegistrationOptions): Registration {
  const { mode, database, passwords, secrets, ownership, mail, errands, clock, newId } = options
  const { users } = database
  const newUser = async ({ email, password }: Credentials, signal?: AbortSignal): Promise<UserRecord> => ({
    id: newId(),
    email: email.address,
    emailKey: email.key,
    emailVerified: false,
    passwordHash: await passwords.hash(password, signal),
    admin: false,
    registeredAtMs: clock.now(),
    disabledAtMs: null,
    credentialVersion: 0,
  })
  const tellOwner = async (owner: UserRecord): Promise<void> => {
    const { id: userId } = owner
    if (owner.emailVerified) {
      const noted = await secrets.issue({ userId, purpose: 'notice' })
      if (noted !== null) mail.accountExists(noted.user.email)
      return
    }
    // Nobody knows which of two registrations was the owner's. Were the first to be confirmed now, whoever guessed the
    // address would know the password of an account that its owner trusts.
    const issued = await secrets.issue({ userId, purpose: 'reset', instead: 'verify' })
    if (issued !== null) mail.choosePassword(issued.user.email, issued.secret)
  }
  return {
    async register(credentials, signal) {
      if (mode === 'closed') throw new RescindError('forbidden', 'Registration is closed.')
      await refuseWeakPassword(credentials.password, credentials.email)
      const user = await newUser(credentials, signal)
      if (mode === 'verify') {
        errands.take('registration', async () => {
          // The account and its link at once: another registration of the address, which kills the link, would
          // otherwise come before there was one.
          const made = await database.inTransaction(async (within) =>
            (await within.users.insert(user)) === 'inserted'
              ? { issued: await secrets.issue({ userId: user.id, purpose: 'verify' }, within) }
              : null,
          )
          if (made !== null) {
            if (made.issued !== null) mail.verifyEmail(made.issued.user.email, made.issued.secret)
            return secrets.forgetOld()
          }
          const owner = await users.byEmailKey(user.emailKey)
          if (owner !== null) await tellOwner(owner)
        })
        return null
      }
      if ((await users.insert(user)) === 'email_taken') {
        throw new RescindError('email_taken', 'There is an account with this e-mail address.')
      }
      ownership.askToVerify(user.id)
      return user
    },
  }
}
