import { type Clock, RescindError } from 'rescind'
import type { UserRecord, Users } from '../repositories/users.ts'
import type { EmailAddress } from './email-address.ts'
import { passwordWeakness } from './password-strength.ts'
import type { Passwords } from './passwords.ts'

/** What a person proves an account with. */
export interface Credentials {
  readonly email: EmailAddress
  readonly password: string
}

/** People's accounts: made, and entered. */
export interface Accounts {
  /** Rejects with `forbidden`, `password_too_weak` or `email_taken`. */
  register(credentials: Credentials): Promise<UserRecord>
  /** Rejects with `invalid_credentials`, whichever of the two was wrong. */
  logIn(credentials: Credentials): Promise<UserRecord>
  /** The account a token speaks for; rejects with `token_invalid` when it is gone. */
  ofSubject(sub: string): Promise<UserRecord>
}

/** What accounts are made of. */
export interface AccountsOptions {
  readonly users: Users
  readonly passwords: Passwords
  readonly registration: 'open' | 'closed'
  readonly clock: Clock
  readonly newId: () => string
}

/** Composes accounts from where they are kept and how their passwords are checked. */
export function createAccounts(options: AccountsOptions): Accounts {
  const { users, passwords, registration, clock, newId } = options
  return {
    async register({ email, password }) {
      if (registration === 'closed') throw new RescindError('forbidden', 'Registration is closed.')
      const weakness = passwordWeakness(password, [email.address, ...email.key.split(/[@.]/), 'rescind'])
      if (weakness !== null) throw new RescindError('password_too_weak', weakness)
      const user: UserRecord = {
        id: newId(),
        email: email.address,
        emailKey: email.key,
        emailVerified: false,
        passwordHash: await passwords.hash(password),
        admin: false,
        registeredAtMs: clock.now(),
      }
      const outcome = await users.insert(user)
      if (outcome === 'email_taken')
        throw new RescindError('email_taken', 'There is an account with this e-mail address.')
      return user
    },
    async logIn({ email, password }) {
      const user = await users.byEmailKey(email.key)
      const matches = await passwords.matches(password, user?.passwordHash ?? null)
      if (user === null || !matches)
        throw new RescindError('invalid_credentials', 'The e-mail or the password is wrong.')
      return user
    },
    async ofSubject(sub) {
      const user = await users.byId(sub)
      if (user === null) throw new RescindError('token_invalid', 'The account of this token is gone.')
      return user
    },
  }
}
