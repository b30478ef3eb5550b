import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from 'rescind'
import { createFakeClock } from 'rescind/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Backends } from '../src/backends.ts'
import { readConfig } from '../src/config.ts'
import type { Letter } from '../src/mail/letter.ts'
import { openBackends } from '../src/open-backends.ts'
import { createAccountMail } from '../src/services/account-mail.ts'
import { createEmailOwnership } from '../src/services/email-ownership.ts'
import { createErrands } from '../src/services/errands.ts'
import { createMailedSecrets, type MailedSecrets, type MailWish } from '../src/services/mailed-secrets.ts'
import { createPasswords } from '../src/services/passwords.ts'
import { createRegistration } from '../src/services/registration.ts'
import { backendsUnderTest } from './support/backends.ts'
import { secretIn } from './support/read-mail.ts'
import { newEmail, PASSWORD } from './support/start-app.ts'

const MINUTE = 60_000
// So long that nothing taken begins before it is told to.
const NEVER_MS = 2 ** 31 - 1

describe.each(backendsUnderTest)('secrets in mails, over $name', ({ prepare }) => {
  const settings = prepare()
  let directory: string
  let backends: Backends
  let secrets: MailedSecrets
  let ids = 0
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'rescind-mailed-secrets-'))
    backends = await openBackends(readConfig({ DATA_DIR: directory, ...(await settings()) }), () => {})
    secrets = createMailedSecrets({ database: backends.database, clock: systemClock, newId: () => `id-${++ids}` })
  })
  afterAll(async () => {
    await backends.close()
    rmSync(directory, { recursive: true, force: true })
  })

  const person = async (): Promise<string> => {
    const id = `user-${++ids}`
    const email = newEmail()
    await backends.database.users.insert({
      id,
      email,
      emailKey: email,
      emailVerified: false,
      passwordHash: 'a hash',
      admin: false,
      registeredAtMs: 1_700_000_000_000,
      disabledAtMs: null,
      credentialVersion: 0,
    })
    return id
  }
  const issued = async (wish: MailWish): Promise<string> => {
    const mailed = await secrets.issue(wish)
    if (mailed === null) throw new Error('nothing was issued')
    return mailed.secret
  }

  it('die for one that takes their place, also when no more mails may be sent', async () => {
    const userId = await person()
    const ofFirst = await issued({ userId, purpose: 'verify' })
    let ofReset = ''
    for (let sent = 0; sent < 5; sent += 1) ofReset = await issued({ userId, purpose: 'reset' })
    expect((await secrets.read(ofFirst, ['verify'])).userId).toBe(userId)
    expect(await secrets.issue({ userId, purpose: 'reset', instead: 'verify' })).toBeNull()
    await expect(secrets.read(ofFirst, ['verify'])).rejects.toMatchObject({ code: 'token_invalid' })
    expect((await secrets.read(ofReset, ['reset'])).userId).toBe(userId)
  })

  it('are counted for each purpose: nothing else that a stranger asks for uses up the resets', async () => {
    const [userId, strangerId] = [await person(), await person()]
    const owner = await backends.database.users.byId(userId)
    const to = { address: owner?.email ?? '', key: owner?.emailKey ?? '' }
    for (let asked = 0; asked < 8; asked += 1) {
      await secrets.issue({ userId, purpose: 'notice' })
      await secrets.issue({ userId, purpose: 'verify' })
      await secrets.issue({ userId: strangerId, purpose: 'email-change', to })
    }
    const ofReset = await issued({ userId, purpose: 'reset' })
    expect((await secrets.read(ofReset, ['reset'])).userId).toBe(userId)
  })

  it('never leave an owner without a reset, whose resets a stranger uses up', async () => {
    const clock = createFakeClock(Date.now())
    const { database } = backends
    const later = createMailedSecrets({ database, clock, newId: () => `id-${++ids}` })
    const userId = await person()
    let last = ''
    let sent = 0
    for (let minute = 0; minute < 120; minute += 1) {
      for (let asked = 0; asked < 3; asked += 1) {
        const mailed = await later.issue({ userId, purpose: 'reset' })
        if (mailed === null) continue
        last = mailed.secret
        sent += 1
      }
      // Whoever asked just now has one in the mailbox that is good.
      expect((await later.read(last, ['reset'])).userId).toBe(userId)
      clock.advance(MINUTE)
    }
    // Five of the first hour at once, then one every ten minutes.
    expect(sent).toBe(5 + 11)
  })

  it('to an address that may be somebody else’s are no more than five in an hour', async () => {
    const clock = createFakeClock(Date.now())
    const { database } = backends
    const later = createMailedSecrets({ database, clock, newId: () => `id-${++ids}` })
    const userId = await person()
    const address = newEmail()
    for (const wish of [
      { userId, purpose: 'email-change', to: { address, key: address } },
      { userId, purpose: 'notice' },
    ] as const) {
      let sent = 0
      for (let minute = 0; minute < 60; minute += 5) {
        if ((await later.issue(wish)) !== null) sent += 1
        clock.advance(5 * MINUTE)
      }
      expect(sent).toBe(5)
    }
  })

  it('are not made for an account that has changed since they were asked for', async () => {
    const userId = await person()
    const wish = { userId, purpose: 'verify', credentialVersion: 0 } as const
    const earlier = await issued(wish)
    await backends.database.users.resetPassword(userId, 'another hash')
    expect(await secrets.issue(wish)).toBeNull()
    expect((await secrets.read(earlier, ['verify'])).userId).toBe(userId)
    await issued({ ...wish, credentialVersion: 1 })
    await issued({ userId, purpose: 'verify' })
  })

  it('are made for many at once, and forgotten in time, while others are forgotten too', async () => {
    const clock = createFakeClock(Date.now())
    const { database } = backends
    const later = createMailedSecrets({ database, clock, newId: () => `id-${++ids}` })
    const people = await Promise.all(Array.from({ length: 6 }, person))
    const askAll = (purpose: 'reset' | 'verify') =>
      Promise.all(people.map((userId) => later.issue({ userId, purpose, instead: 'verify' })))
    for (let round = 0; round < 3; round += 1) {
      expect((await askAll('verify')).filter((made) => made === null)).toEqual([])
      clock.advance(61 * MINUTE)
      expect((await askAll('reset')).filter((made) => made === null)).toEqual([])
    }
    clock.advance(61 * MINUTE)
    await later.forgetOld()
    const addressKey = (await database.users.byId(people[0] ?? ''))?.emailKey ?? ''
    const left = await database.mailTokens.sentSince({ addressKey, purpose: 'reset', sinceMs: 0 })
    expect(left).toEqual({ count: 0, lastAtMs: null })
  })

  describe('of accounts', () => {
    const letters: { to: string; letter: Letter }[] = []
    const mail = createAccountMail({ send: (sent) => void letters.push(sent), close: async () => {} }, 'https://a.test')
    const errands = createErrands({ warn: () => {} }, NEVER_MS)
    const passwords = createPasswords()
    const secretsTo = (email: string, path: string) =>
      letters
        .filter(({ to, letter: { text } }) => to === email && text.includes(path))
        .map(({ letter: { subject, text, html } }) =>
          secretIn({ headers: new Map([['subject', subject]]), text, html }),
        )
    const ownership = () => {
      const { database } = backends
      const changes = { endingSessions: () => Promise.reject(new Error('nothing changes here')) }
      return createEmailOwnership({ database, changes, passwords, secrets, mail, errands })
    }

    it('leave no link of a first registration alive, when a second one comes at the same moment', async () => {
      const registration = createRegistration({
        mode: 'verify',
        database: backends.database,
        passwords,
        secrets,
        ownership: ownership(),
        mail,
        errands,
        clock: systemClock,
        newId: () => `id-${++ids}`,
      })
      const address = newEmail()
      const email = { address, key: address }
      await registration.register({ email, password: PASSWORD })
      await registration.register({ email, password: 'amber-Lighthouse-27-tuba' })
      await errands.settled()
      const [ofFirst, ...others] = secretsTo(address, '/verify-email#')
      expect(others).toEqual([])
      await expect(secrets.read(ofFirst ?? '', ['verify'])).rejects.toMatchObject({ code: 'token_invalid' })
      const [ofSecond] = secretsTo(address, '/reset-password#')
      expect((await secrets.read(ofSecond ?? '', ['reset'])).addressKey).toBe(address)
    })

    it('are not made for a session that ended before the account was read', async () => {
      const sub = await person()
      const [next, last] = [newEmail(), newEmail()]
      const ask = (address: string, isLive: boolean) =>
        ownership().askToChange({ sub, email: { address, key: address }, isAskerLive: async () => isLive })
      await expect(ask(next, false)).rejects.toMatchObject({ code: 'token_revoked' })
      await ask(last, true)
      await errands.settled()
      expect([secretsTo(next, '#').length, secretsTo(last, '#').length]).toEqual([0, 1])
    })
  })
})
