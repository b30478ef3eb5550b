import { createHash, randomBytes } from 'node:crypto'
import { type Clock, RescindError } from 'rescind'
import type { Database } from '../database.ts'
import type { MailPurpose, MailTokenRecord, SentMails } from '../repositories/mail-tokens.ts'
import type { Repositories } from '../repositories/repositories.ts'
import type { UserRecord } from '../repositories/users.ts'
import type { EmailAddress } from './email-address.ts'

/** A wish for a mail to go out. */
export interface MailWish {
  readonly userId: string
  readonly purpose: MailPurpose
  /** @default the address of the account */
  readonly to?: EmailAddress
  /** What else dies, also where nothing may be sent any more. @default only the last secret of the same purpose */
  readonly instead?: MailPurpose
  /** The account's when the wish was made, where a session's right to it ends with a change. @default any */
  readonly credentialVersion?: number
}

/** What may be mailed, and to whom. */
export interface MailedSecret {
  readonly secret: string
  readonly user: UserRecord
}

/**
 * The secrets in links that are sent by e-mail: 256 bits of chance, kept as SHA-256, good once and for ten minutes, dead
 * as soon as the password or the address of the account changes. One of each purpose lives per account.
 */
export interface MailedSecrets {
  /**
   * Makes a secret in the place of the last one, or answers `null` where nothing may be sent: the account is gone or
   * disabled or changed since the wish, or its address was sent enough of the purpose within an hour. Where no more is
   * sent, the last one lives on; once that has run out, the next one is sent again.
   *
   * @param within the transaction that it is part of; its maker calls `forgetOld` after it. @default one of its own
   */
  issue(wish: MailWish, within?: Repositories): Promise<MailedSecret | null>
  /** Forgets the mails that are not counted any more. */
  forgetOld(): Promise<void>
  /** What a secret was sent for; rejects with `token_invalid` where it is good for none of these purposes. */
  read(secret: string, purposes: readonly MailPurpose[]): Promise<MailTokenRecord>
  /**
   * To be called in the transaction of the change that the secret allows: of many that spend it at once, one goes on
   * with the account, and the others reject with `token_invalid`.
   */
  spend(token: MailTokenRecord, within: Repositories): Promise<UserRecord>
}

const LIFE_MS = 10 * 60_000
const QUOTA_MS = 60 * 60_000
// Of each purpose: else a stranger could use up the resets of an owner by asking for something else.
const MAX_MAILS_PER_ADDRESS = 5
// Those that go to nobody but the account's own address. A stranger may ask for all of them that an hour has, so whoever
// finds the last one run out gets another: its owner is never left without.
const RENEWED: readonly MailPurpose[] = ['reset', 'verify']

/** What they are made of. */
export interface MailedSecretsOptions {
  readonly database: Database
  readonly clock: Clock
  readonly newId: () => string
  /** @default 256 bits of the system's chance */
  readonly newSecret?: () => string
}

/** Keeps mailed secrets beside the accounts. */
export function createMailedSecrets(options: MailedSecretsOptions): MailedSecrets {
  const { database, clock, newId, newSecret = () => randomBytes(32).toString('base64url') } = options
  const issueWithin = async ({ users, mailTokens }: Repositories, wish: MailWish): Promise<MailedSecret | null> => {
    const { userId, purpose, to, instead, credentialVersion } = wish
    const secret = newSecret()
    const now = clock.now()
    const user = await users.lock(userId)
    if (user === null || user.disabledAtMs !== null) return null
    // Made now, it would outlive the change that killed all there were.
    if (credentialVersion !== undefined && credentialVersion !== user.credentialVersion) return null
    // Before the quota, which a stranger can use up to keep it alive. The last of the same purpose is let live then:
    // else a stranger could leave the owner with none.
    if (instead !== undefined) await mailTokens.kill(userId, instead)
    const { address, key } = to ?? { address: user.email, key: user.emailKey }
    const sent = await mailTokens.sentSince({ addressKey: key, purpose, sinceMs: now - QUOTA_MS })
    if (isEnough(purpose, sent, now)) return null
    await mailTokens.kill(userId, purpose)
    await mailTokens.insert({
      id: newId(),
      userId,
      purpose,
      address,
      addressKey: key,
      tokenHash: purpose === 'notice' ? null : hashOf(secret),
      createdAtMs: now,
      expiresAtMs: now + LIFE_MS,
    })
    return { secret, user }
  }
  const forgetOld = () => database.mailTokens.prune(clock.now() - QUOTA_MS)
  return {
    async issue(wish, within) {
      if (within !== undefined) return issueWithin(within, wish)
      // Before the transaction: in it, what is forgotten of others would stay locked until the end.
      await forgetOld()
      return database.inTransaction((scope) => issueWithin(scope, wish))
    },
    forgetOld,
    async read(secret, purposes) {
      const token = await database.mailTokens.byHash(hashOf(secret), clock.now())
      if (token === null || !purposes.includes(token.purpose)) throw notGood()
      return token
    },
    async spend({ tokenHash, userId }, { users, mailTokens }) {
      // The account first, as everywhere: two that lock both in another order would wait for each other.
      const user = await users.lock(userId)
      const spent = tokenHash !== null && (await mailTokens.spend(tokenHash, clock.now()))
      if (user === null || user.disabledAtMs !== null || !spent) throw notGood()
      return user
    },
  }
}

function isEnough(purpose: MailPurpose, { count, lastAtMs }: SentMails, nowMs: number): boolean {
  if (count < MAX_MAILS_PER_ADDRESS) return false
  const hasRunOut = lastAtMs !== null && lastAtMs + LIFE_MS <= nowMs
  return !(hasRunOut && RENEWED.includes(purpose))
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}

function notGood(): RescindError {
  return new RescindError('token_invalid', 'The link is not valid, was used before, or is too old.')
}
