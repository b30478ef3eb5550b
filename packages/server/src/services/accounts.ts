import { RescindError } from 'rescind'
import type { UserRecord, Users } from '../repositories/users.ts'
import type { AccountChanges } from './account-changes.ts'
import type { AccountMail } from './account-mail.ts'
import type { EmailAddress } from './email-address.ts'
import { isOutdated } from './password-hashes.ts'
import { refuseWeakPassword } from './password-strength.ts'
import type { Passwords } from './passwords.ts'
import { standInPoint } from './stand-in-hash.ts'
import { WrongCredentialsError } from './wrong-credentials-error.ts'

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

/**
 * People's accounts: entered, and changed. What hashes a password waits for its turn: it rejects with `overloaded`
 * where that takes too long, and does nothing more once its `signal` has aborted while it waited.
 */
export interface Accounts {
  /** Rejects with `invalid_credentials`, whatever was wrong: the address, the password, or the state of the account. */
  logIn(credentials: Credentials, signal?: AbortSignal): Promise<UserRecord>
  /**
   * To be asked once a session has begun with a password: true where what it was entered with still stands. A change
   * that came in between ended the sessions it knew of, and this one may have begun a moment later.
   */
  stillEnters(user: UserRecord): Promise<boolean>
  /**
   * Sets another password and ends all sessions of the account: both or neither. Rejects with `invalid_credentials` or
   * `password_too_weak`.
   */
  changePassword(change: PasswordChange, signal?: AbortSignal): Promise<UserRecord>
  /** Proves once more who a token speaks for. Rejects with `invalid_credentials`. */
  confirm(proof: { readonly sub: string; readonly password: string }, signal?: AbortSignal): Promise<UserRecord>
  /** The account a token speaks for; rejects with `token_invalid` when it is gone. */
  ofSubject(sub: string): Promise<UserRecord>
}

/** What accounts are made of. */
export interface AccountsOptions {
  readonly users: Users
  readonly changes: AccountChanges
  readonly passwords: Passwords
  readonly mail: AccountMail
  /** True where nobody enters whose address is not verified. */
  readonly onlyVerified: boolean
}

/** Composes accounts from where they are kept and how their passwords are checked. */
export function createAccounts(options: AccountsOptions): Accounts {
  const { users, changes, passwords, mail, onlyVerified } = options
  const ofSubject = async (sub: string): Promise<UserRecord> => {
    const user = await users.byId(sub)
    if (user === null) throw new RescindError('token_invalid', 'The account of this token is gone.')
    if (user.disabledAtMs !== null) throw new RescindError('token_invalid', 'The account of this token is disabled.')
    return user
  }
  const mayEnter = (user: UserRecord) => user.disabledAtMs === null && (user.emailVerified || !onlyVerified)
  /** What a login proved, kept in today's form. A login goes on without it: the next one tries again. */
  const renewHash = async (user: UserRecord, password: string, signal?: AbortSignal): Promise<void> => {
    try {
      await users.rehash({ id: user.id, from: user.passwordHash, to: await passwords.hash(password, signal) })
    } catch (error) {
      if (!(error instanceof RescindError && error.code === 'overloaded')) throw error
    }
  }
  return {
    async logIn({ email, password }, signal) {
      // Both, known or not.
      const [user, standIn] = await Promise.all([users.byEmailKey(email.key), users.someHash(standInPoint(email.key))])
      const matches = await passwords.matches(password, user?.passwordHash ?? standIn, signal)
      if (user === null || !matches || !mayEnter(user)) {
        throw new WrongCredentialsError('The e-mail or the password is wrong.', user?.id)
      }
      if (isOutdated(user.passwordHash)) await renewHash(user, password, signal)
      return user
    },
    async stillEnters({ id, credentialVersion }) {
      const user = await users.byIdSettled(id)
      return user?.credentialVersion === credentialVersion
    },
    async changePassword({ sub, currentPassword, newPassword }, signal) {
      const user = await ofSubject(sub)
      if (!(await passwords.matches(currentPassword, user.passwordHash, signal))) throw wrongCurrentPassword()
      await refuseWeakPassword(newPassword, { address: user.email, key: user.emailKey })
      const passwordHash = await passwords.hash(newPassword, signal)
      const { id, credentialVersion, passwordHash: from } = user
      await changes.endingSessions({ sub, by: sub, reason: 'password change' }, async (within) => {
        // Of two changes at once, the one that comes second was asked for with a password that is no more, or by a
        // session that the first one ended.
        const outcome = await within.users.replacePassword({ id, from, to: passwordHash, credentialVersion })
        if (outcome === 'changed') throw wrongCurrentPassword()
        await within.mailTokens.kill(sub)
      })
      mail.passwordChanged(user.email)
      return { ...user, passwordHash, credentialVersion: credentialVersion + 1 }
    },
    async confirm({ sub, password }, signal) {
      const user = await ofSubject(sub)
      if (!(await passwords.matches(password, user.passwordHash, signal))) {
        throw new RescindError('invalid_credentials', 'The password is wrong.')
      }
      return user
    },
    ofSubject,
  }
}

function wrongCurrentPassword(): RescindError {
  return new RescindError('invalid_credentials', 'The current password is wrong.')
}
