import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { smtpTransport } from '../src/mail/smtp.ts'
import { backendsUnderTest } from './support/backends.ts'
import { createHeldChanges } from './support/held-changes.ts'
import { createHeldPasswords } from './support/held-passwords.ts'
import { FROM, type MailApp, PUBLIC_URL, startMailApp } from './support/mail-app.ts'
import { startMailServer } from './support/mail-server.ts'
import { type Operator, openOperator } from './support/operator.ts'
import { expectProblem } from './support/problems.ts'
import { bearer, newEmail, PASSWORD, startApp, type Tokens } from './support/start-app.ts'

const NEW_PASSWORD = 'amber-Lighthouse-27-tuba'
// So long that nothing taken begins by itself while a test runs.
const NEVER_MS = 2 ** 31 - 1

describe.each(backendsUnderTest)('a change of an account amid another, over $name', ({ prepare }) => {
  const settings = prepare()
  const held = createHeldPasswords()
  let operator: Operator
  let heldChanges: ReturnType<typeof createHeldChanges>
  let app: MailApp
  beforeAll(async () => {
    operator = await openOperator(await settings())
    heldChanges = createHeldChanges(operator.changes)
    app = await startMailApp({
      settings: operator.settings,
      passwords: held.passwords,
      changes: heldChanges.changes,
    })
  })
  afterAll(async () => {
    await app.close()
    await operator.close()
  })

  const changePassword = (token: string) =>
    app.post('/auth/password/change', { current_password: PASSWORD, new_password: NEW_PASSWORD }, bearer(token))
  const disable = (sub: string) => operator.administration.disable(sub, { by: 'an operator', reason: 'left' })
  const hashOf = async (sub: string) => (await operator.users.byId(sub))?.passwordHash

  it('of the address, ends a change of the password that its session began', async () => {
    const { access_token, user } = await app.register()
    const before = await hashOf(user.id)
    const next = newEmail()
    await app.post('/auth/email/change', { email: next }, bearer(access_token))
    const secret = await app.secretFor(next)
    const release = held.holdNext()
    const late = changePassword(access_token)
    await expect.poll(held.isHeld).toBe(true)
    expect((await app.post('/auth/email/verify', { token: secret })).status).toBe(204)
    release()
    await expectProblem(await late, 'invalid_credentials')
    expect(await hashOf(user.id)).toBe(before)
  })

  it('that ends its session, ends a change of the address that it asked for', async () => {
    for (const end of [
      ({ access_token }: Tokens) => app.post('/auth/logout', undefined, bearer(access_token)),
      ({ user }: Tokens) => disable(user.id),
    ]) {
      const tokens = await app.register()
      const next = newEmail()
      const release = held.holdNext()
      const late = app.post('/auth/email/change', { email: next, password: PASSWORD }, bearer(tokens.access_token))
      await expect.poll(held.isHeld).toBe(true)
      await end(tokens)
      release()
      await expectProblem(await late, 'token_revoked')
    }
  })

  it('that disables it, ends a change of the password that was under way', async () => {
    const { access_token, user } = await app.register()
    const before = await hashOf(user.id)
    const release = held.holdNext()
    const late = changePassword(access_token)
    await expect.poll(held.isHeld).toBe(true)
    await disable(user.id)
    release()
    await expectProblem(await late, 'invalid_credentials')
    expect(await hashOf(user.id)).toBe(before)
  })

  it('that disables it, lets no session live that begins after a change of the password', async () => {
    const { access_token, user } = await app.register()
    const before = await hashOf(user.id)
    const release = heldChanges.holdNext()
    const late = changePassword(access_token)
    await expect.poll(heldChanges.isMade).toBe(true)
    await disable(user.id)
    release()
    await expectProblem(await late, 'invalid_credentials')
    expect(await hashOf(user.id)).not.toBe(before)
  })
})

describe.each(backendsUnderTest)('links asked for by a session, over $name', ({ prepare }) => {
  const settings = prepare()

  it('are not sent once its password has changed', async () => {
    const mailServer = await startMailServer()
    const transport = smtpTransport(mailServer.url, FROM)
    const app = await startApp({
      settings: await settings(),
      mail: { transport, publicUrl: PUBLIC_URL, maxDelayMs: NEVER_MS },
    })
    const [thief, owner] = [newEmail(), newEmail()]
    const [robbed, other] = [await app.register(), await app.register()]
    for (const [token, email] of [
      [robbed.access_token, thief],
      [other.access_token, owner],
    ] as const) {
      expect((await app.post('/auth/email/change', { email }, bearer(token))).status).toBe(202)
    }
    const wish = { current_password: PASSWORD, new_password: NEW_PASSWORD }
    expect((await app.post('/auth/password/change', wish, bearer(robbed.access_token))).status).toBe(200)
    // What was taken is done now, as at the end of a process.
    await app.close()
    await mailServer.to(owner)
    const reached = mailServer.mails.flatMap(({ envelope }) => envelope.to)
    expect(reached).toContain(other.user.email)
    expect(reached).not.toContain(thief)
    transport.close()
    await mailServer.close()
  })
})
