import type { FastifyBaseLogger } from 'fastify'
import type { Clock } from 'rescind'
import type { Database } from './database.ts'
import { withDeadline } from './deadline.ts'
import { createMailer, type MailerOptions, type MailTransport } from './mail/mailer.ts'
import { type AccountAdministration, createAccountAdministration } from './services/account-administration.ts'
import type { AccountChanges } from './services/account-changes.ts'
import { createAccountMail } from './services/account-mail.ts'
import { type Accounts, createAccounts } from './services/accounts.ts'
import { createEmailOwnership, type EmailOwnership } from './services/email-ownership.ts'
import { createErrands } from './services/errands.ts'
import { createLoginNotices, type LoginNotices } from './services/login-notices.ts'
import { createMailedSecrets } from './services/mailed-secrets.ts'
import { createPasswordReset, type PasswordReset } from './services/password-reset.ts'
import type { Passwords } from './services/passwords.ts'
import { createRegistration, type Registration, type RegistrationMode } from './services/registration.ts'

/** How the mails of accounts are sent. */
export interface MailOptions extends Omit<MailerOptions, 'log'> {
  readonly transport: MailTransport
  /** Links in mails begin with it. */
  readonly publicUrl: string
  /** Mails set out some time within these milliseconds after the answer, by chance. @default 1_000 */
  readonly maxDelayMs?: number
}

/** What people do with their accounts. */
export interface AccountServices {
  readonly accounts: Accounts
  readonly registration: Registration
  readonly passwordReset: PasswordReset
  readonly ownership: EmailOwnership
  readonly administration: AccountAdministration
  readonly loginNotices: LoginNotices
  /** Ends what was put off until after an answer, and delivers what mails it can. */
  close(): Promise<void>
}

/** What they are composed of. */
export interface AccountServicesOptions {
  readonly database: Database
  readonly changes: AccountChanges
  readonly passwords: Passwords
  readonly registration: RegistrationMode
  readonly mail?: MailOptions | undefined
  readonly log: FastifyBaseLogger
  readonly clock: Clock
  readonly newId: () => string
}

const CLOSE_MS = 1_000

const nowhere: MailOptions = {
  transport: { deliver: async () => {}, close: () => {} },
  publicUrl: 'http://localhost',
}

/** Composes them. */
export function createAccountServices(options: AccountServicesOptions): AccountServices {
  const { database, changes, passwords, clock, newId, log } = options
  const { users } = database
  const { transport, publicUrl, maxDelayMs = 1_000, ...mailing } = options.mail ?? nowhere
  const mailer = createMailer(transport, { ...mailing, log })
  const mail = createAccountMail(mailer, publicUrl)
  const errands = createErrands(log, maxDelayMs)
  const secrets = createMailedSecrets({ database, clock, newId })
  const ownership = createEmailOwnership({ database, changes, passwords, secrets, mail, errands })
  const mode = options.registration
  return {
    accounts: createAccounts({ users, changes, passwords, mail, onlyVerified: mode === 'verify' }),
    registration: createRegistration({
      mode,
      database,
      passwords,
      secrets,
      ownership,
      mail,
      errands,
      clock,
      newId,
    }),
    passwordReset: createPasswordReset({ users, changes, passwords, secrets, mail, errands }),
    ownership,
    administration: createAccountAdministration({ database, changes, clock, newId }),
    loginNotices: createLoginNotices({ users, mail, errands }),
    async close() {
      await withDeadline(errands.settled(), CLOSE_MS).catch(() =>
        log.warn('work after answers was not done before the end'),
      )
      await mailer.close()
    },
  }
}
