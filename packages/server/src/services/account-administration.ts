import { type Clock, RescindError } from 'rescind'
import type { Database } from '../database.ts'
import type { Users } from '../repositories/users.ts'
import type { AccountChanges } from './account-changes.ts'
import { parseEmailAddress } from './email-address.ts'
import { noAccount } from './no-account-error.ts'
import { readHash } from './password-hashes.ts'

/** Who does something to an account, and why. */
export interface AdministrativeReason {
  readonly by?: string
  readonly reason: string
}

/** An account of another system. */
export interface ImportedAccount {
  readonly email: string
  /** Argon2, bcrypt, or Werkzeug's `pbkdf2:` and `scrypt:`; a login replaces it by a hash of our own. */
  readonly passwordHash: string
  /** @default true: the other system knew */
  readonly emailVerified?: boolean
  /** @default a new one */
  readonly id?: string
  /** @default now */
  readonly registeredAtMs?: number
  /** Since when nobody may enter it. @default null: it is open */
  readonly disabledAtMs?: number | null
  /** @default false */
  readonly admin?: boolean
}

/** What operators do to accounts. */
export interface AccountAdministration {
  /**
   * Lets nobody enter the account any more, and ends all its sessions: both or neither. A login is answered as one with a
   * wrong password is. Rejects with `not_found`, and with `forbidden` for the last administrator who may still enter.
   */
  disable(sub: string, why: AdministrativeReason): Promise<void>
  /** Lets its owner in again. What was ended stays ended. Rejects with `not_found`. */
  enable(sub: string): Promise<void>
  /**
   * Takes an account over, with the password it has. Rejects with `invalid_request` for an address, a time or a hash
   * that cannot be used, a hash that asks for more work than a login may make, or an id that another account has.
   */
  import(account: ImportedAccount): Promise<'imported' | 'email_taken'>
}

/** What it is made of. */
export interface AccountAdministrationOptions {
  readonly database: Database
  readonly changes: AccountChanges
  readonly clock: Clock
  readonly newId: () => string
}

/** Composes it from where accounts are kept. */
export function createAccountAdministration(options: AccountAdministrationOptions): AccountAdministration {
  const { database, changes, clock, newId } = options
  return {
    async disable(sub, why) {
      await changes.endingSessions({ sub, ...why }, async ({ users, mailTokens }) => {
        if ((await users.byId(sub))?.admin === true) await refuseLastAdmin(sub, users)
        const user = await users.lock(sub)
        if (user === null) throw noAccount()
        await mailTokens.kill(sub)
        await users.setDisabled(sub, user.disabledAtMs ?? clock.now())
      })
    },
    async enable(sub) {
      await database.inTransaction(async ({ users }) => {
        if ((await users.lock(sub)) === null) throw noAccount()
        await users.setDisabled(sub, null)
      })
    },
    async import(account) {
      const { passwordHash, emailVerified = true, id = newId(), registeredAtMs = clock.now() } = account
      const { disabledAtMs = null, admin = false } = account
      const email = parseEmailAddress(account.email)
      if (email === null) throw new RescindError('invalid_request', 'This is not an e-mail address.')
      if (readHash(passwordHash) === null) {
        throw new RescindError('invalid_request', 'The hash is of no known form, or asks for too much work.')
      }
      refuseImpossibleTime(registeredAtMs, 'The time of registration is none from 1970 on.')
      if (disabledAtMs !== null) refuseImpossibleTime(disabledAtMs, 'The time of disabling is none from 1970 on.')
      const outcome = await database.users.insert({
        id,
        email: email.address,
        emailKey: email.key,
        emailVerified,
        passwordHash,
        admin,
        registeredAtMs,
        disabledAtMs,
        credentialVersion: 0,
      })
      return outcome === 'inserted' ? 'imported' : outcome
    },
  }
}

// The end of the year 9999: RFC 3339 has no later one.
const MAX_TIME_MS = 253_402_300_799_999

function refuseImpossibleTime(ms: number, problem: string): void {
  if (!Number.isInteger(ms) || ms < 0 || ms > MAX_TIME_MS) throw new RescindError('invalid_request', problem)
}

/** All of them are locked: two who disable each other come one after the other. */
async function refuseLastAdmin(sub: string, users: Users): Promise<void> {
  const open = (await users.lockAdmins()).filter(({ disabledAtMs }) => disabledAtMs === null)
  if (open.length === 1 && open[0]?.id === sub) {
    throw new RescindError('forbidden', 'This is the last administrator: let there be another one first.')
  }
}
