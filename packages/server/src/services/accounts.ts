import { type Clock, RescindError } from 'rescind'
import type { UserRecord, Users } from '../repositories/users.ts'
import type { AccountChanges } from './account-changes.ts'
import type { EmailAddress } from './email-address.ts'
import { passwordWeakness } from './password-strength.ts'
import type { Passwords } from './passwords.ts'

/** What a person proves an account with. */
export interface Credentials {
  readonly email: EmailAddress
  readonly password: string
}

/** The wish for another password. */
export interface PasswordChange {
  readonly sub: string
  readonly currentPassword: string
  readonly newPassword: string
}

/** People's accounts: made, entered, and changed. */
export interface Accounts {
  /** Rejects with `forbidden`, `password_too_weak` or `email_taken`. */
  register(credentials: Credentials): Promise<UserRecord>
  /** Rejects with `invalid_credentials`, whichever of the two was wrong. */
  logIn(credentials: Credentials): Promise<UserRecord>
  /**
   * To be asked once a login's session has begun: true where the password it was entered with still stands. A change
   * that came in between ended the sessions it knew of, and this one may have begun a moment later.
   */
  stillEnters(user: UserRecord): Promise<boolean>
  /**
   * Sets another password and ends all sessions of the account: both or neither. Rejects with `invalid_credentials` or
   * `password_too_weak`.
   */
  changePassword(change: PasswordChange): Promise<UserRecord>
  /** The account a token speaks for; rejects with `token_invalid` when it is gone. */
  ofSubject(sub: string): Promise<UserRecord>
}

/** What accounts are made of. */
export interface AccountsOptions {
  readonly users: Users
  readonly changes: AccountChanges
  readonly passwords: Passwords
  readonly registration: 'open' | 'closed'
  readonly clock: Clock
  readonly newId: () => string
}

/** Composes accounts from where they are kept and how their passwords are checked. */
export function createAccounts(options: AccountsOptions): Accounts {
  const { users, changes, passwords, registration, clock, newId } = options
  const ofSubject = async (sub: string): Promise<UserRecord> => {
    const user = await users.byId(sub)
    if (user === null) throw new RescindError('token_invalid', 'The account of this token is gone.')
    return user
  }
  return {
    async register({ email, password }) {
      if (registration === 'closed') throw new RescindError('forbidden', 'Registration is closed.')
      refuseWeak(password, email)
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
    async stillEnters({ id, passwordHash }) {
      const user = await users.byIdSettled(id)
      return user?.passwordHash === passwordHash
    },
    async changePassword({ sub, currentPassword, newPassword }) {
      const user = await ofSubject(sub)
      if (!(await passwords.matches(currentPassword, user.passwordHash))) throw wrongCurrentPassword()
      refuseWeak(newPassword, { address: user.email, key: user.emailKey })
      const passwordHash = await passwords.hash(newPassword)
      await changes.endingSessions({ sub, by: sub, reason: 'password change' }, async (within) => {
        // Of two changes at once, the one that comes second was asked for with a password that is no more.
        const outcome = await within.replacePassword({ id: user.id, from: user.passwordHash, to: passwordHash })
        if (outcome === 'changed') throw wrongCurrentPassword()
      })
      return { ...user, passwordHash }
    },
    ofSubject,
  }
}

function refuseWeak(password: string, email: EmailAddress): void {
  const weakness = passwordWeakness(password, [email.address, ...email.key.split(/[@.]/), 'rescind'])
  if (weakness !== null) throw new RescindError('password_too_weak', weakness)
}

function wrongCurrentPassword(): RescindError {
  return new RescindError('invalid_credentials', 'The current password is wrong.')
}
