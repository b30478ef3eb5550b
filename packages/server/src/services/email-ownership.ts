import { RescindError } from 'rescind'
import type { Database } from '../database.ts'
import type { MailTokenRecord } from '../repositories/mail-tokens.ts'
import type { Repositories } from '../repositories/repositories.ts'
import type { Users } from '../repositories/users.ts'
import type { AccountChanges } from './account-changes.ts'
import type { AccountMail } from './account-mail.ts'
import type { EmailAddress } from './email-address.ts'
import type { Errands } from './errands.ts'
import type { MailedSecrets, MailWish } from './mailed-secrets.ts'
import type { Passwords } from './passwords.ts'

/** The wish for another address. */
export interface EmailChange {
  readonly sub: string
  readonly email: EmailAddress
  /** Asked for besides a fresh token where it is given. */
  readonly password?: string | undefined
  /** Whether the session that asks has not ended, as the store has it at that moment. */
  readonly isAskerLive: () => Promise<boolean>
}

/** Whose an address is: proved by following a link that was sent there. */
export interface EmailOwnership {
  /** Sends the link to the address of an account. */
  askToVerify(sub: string): void
  /**
   * Sends a link to the new address and a notice to the old one. The answer and the notice are the same whether or not the
   * new address belongs to another account, or was sent enough. For the address the account has, it sends the link to
   * verify that. Rejects with `invalid_credentials` for a wrong password, and with `token_revoked` where the session that
   * asks has ended.
   */
  askToChange(change: EmailChange, signal?: AbortSignal): Promise<void>
  /**
   * Takes a link of either kind at its word, and answers whose it was and which address it proves. A change of address
   * ends all sessions of the account with it. Rejects with `token_invalid`, and with `email_taken` where another account
   * has proved the address meanwhile.
   */
  verify(secret: string): Promise<{ readonly email: EmailAddress; readonly userId: string }>
}

/** What it is made of. */
export interface EmailOwnershipOptions {
  readonly database: Database
  readonly changes: AccountChanges
  readonly passwords: Passwords
  readonly secrets: MailedSecrets
  readonly mail: AccountMail
  readonly errands: Errands
}

/** Composes it from where accounts are kept and how mails are sent. */
export function createEmailOwnership(options: EmailOwnershipOptions): EmailOwnership {
  const { database, changes, passwords, secrets, mail, errands } = options
  const changeTo = async (token: MailTokenRecord) => {
    const { userId: sub, address, addressKey } = token
    const before = await changes.endingSessions({ sub, by: sub, reason: 'e-mail change' }, async (within) => {
      const user = await secrets.spend(token, within)
      await refuseTaken(within.users, addressKey, sub)
      await within.mailTokens.kill(sub)
      await within.users.changeEmail(sub, { address, key: addressKey })
      return user
    })
    mail.emailChanged(before.email, address)
  }
  const confirm = (token: MailTokenRecord) =>
    database.inTransaction(async (within: Repositories) => {
      const user = await secrets.spend(token, within)
      await within.users.verifyEmail(user.id)
    })
  const sendVerification = (asker: Pick<MailWish, 'userId' | 'credentialVersion'>): void =>
    errands.take('address verification', async () => {
      const issued = await secrets.issue({ ...asker, purpose: 'verify' })
      if (issued !== null) mail.verifyEmail(issued.user.email, issued.secret)
    })
  return {
    askToVerify: (sub) => sendVerification({ userId: sub }),
    async askToChange({ sub, email, password, isAskerLive }, signal) {
      const user = await database.users.byId(sub)
      if (user === null) throw new RescindError('token_invalid', 'The account of this token is gone.')
      if (password !== undefined && !(await passwords.matches(password, user.passwordHash, signal))) {
        throw new RescindError('invalid_credentials', 'The password is wrong.')
      }
      // After the account was read: a change of it that came before, and that the guard of the request did not see yet,
      // has ended the session. One that comes later, up to the errand, is told by the version that was read.
      if (!(await isAskerLive())) throw new RescindError('token_revoked', 'The session of this token has ended.')
      const asker = { userId: sub, credentialVersion: user.credentialVersion }
      if (email.key === user.emailKey) return sendVerification(asker)
      errands.take('address change', async () => {
        const now = await database.users.byId(sub)
        if (now?.credentialVersion !== user.credentialVersion) return
        // Before it is known whose the new address is: whoever asks reads this, and would learn it by what comes or not.
        mail.emailChangeAsked(now.email, email.address)
        const owner = await database.users.byEmailKey(email.key)
        if (owner !== null && owner.id !== sub) {
          const noted = await secrets.issue({ userId: owner.id, purpose: 'notice' })
          if (noted !== null) mail.accountExists(noted.user.email)
          return
        }
        const issued = await secrets.issue({ ...asker, purpose: 'email-change', to: email })
        if (issued !== null) mail.confirmEmailChange(email.address, issued.secret)
      })
    },
    async verify(secret) {
      const token = await secrets.read(secret, ['verify', 'email-change'])
      await (token.purpose === 'verify' ? confirm(token) : changeTo(token))
      const { address, addressKey: key, userId } = token
      return { email: { address, key }, userId }
    },
  }
}

async function refuseTaken(users: Users, emailKey: string, sub: string): Promise<void> {
  const owner = await users.byEmailKey(emailKey)
  if (owner !== null && owner.id !== sub) {
    throw new RescindError('email_taken', 'There is an account with this e-mail address.')
  }
}
