import { createFakeClock, type FakeClock } from 'rescind/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backendsUnderTest } from './support/backends.ts'
import { type MailApp, PUBLIC_URL, startMailApp } from './support/mail-app.ts'
import { expectProblem } from './support/problems.ts'
import { bearer, newEmail, PASSWORD, type Tokens } from './support/start-app.ts'

const MINUTE = 60_000

describe.each(backendsUnderTest)('an e-mail address, over $name', ({ prepare }) => {
  const settings = prepare()
  let app: MailApp
  let clock: FakeClock
  beforeAll(async () => {
    clock = createFakeClock(Date.now())
    app = await startMailApp({ settings: await settings(), clock })
  })
  afterAll(() => app.close())

  const verify = (token: unknown) => app.post('/auth/email/verify', { token })
  const change = (token: string, body: unknown) => app.post('/auth/email/change', body, bearer(token))
  const login = (email: string) => app.post('/auth/login', { email, password: PASSWORD })
  const statusOf = async (token: string) => (await app.get('/auth/status', token)).status
  const userOf = async (email: string) =>
    ((await (await login(email)).json()) as { user: { id: string; email: string; email_verified: boolean } }).user
  const person = async () => {
    const tokens = await app.register()
    return { ...tokens, email: tokens.user.email, ofRegistration: await app.secretFor(tokens.user.email) }
  }

  it('is verified by the link in the mail of the registration, once', async () => {
    const { email, ofRegistration, access_token } = await person()
    expect((await app.mailServer.to(email))[0]?.text).toContain(`${PUBLIC_URL}/verify-email#token=${ofRegistration}`)
    expect((await userOf(email)).email_verified).toBe(false)
    const answers = await Promise.all(Array.from({ length: 20 }, () => verify(ofRegistration)))
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1)
    expect((await userOf(email)).email_verified).toBe(true)
    expect(await statusOf(access_token)).toBe(200)
  })

  it('is not verified by an old link, and another can be asked for', async () => {
    const { email, ofRegistration, access_token } = await person()
    clock.advance(10 * MINUTE)
    await expectProblem(await verify(ofRegistration), 'token_invalid')
    expect((await login(email)).status).toBe(200)
    const tokens = (await (await login(email)).json()) as Tokens
    expect((await change(tokens.access_token, { email })).status).toBe(202)
    expect((await verify(await app.secretFor(email, 2))).status).toBe(204)
    expect((await userOf(email)).email_verified).toBe(true)
    expect(await statusOf(tokens.access_token)).toBe(200)
    expect(access_token).not.toBe(tokens.access_token)
  })

  it('changes when the link sent to the new one is followed: every session ends, and the old one is told', async () => {
    const { user, email, access_token, refresh_token } = await person()
    const next = newEmail()
    expect((await change(access_token, { email: next, password: PASSWORD })).status).toBe(202)
    const secret = await app.secretFor(next)
    const asked = (await app.mailServer.to(email, 2)).at(-1)
    expect(asked?.text).toContain(next)
    expect(asked?.text).not.toContain('#token=')
    expect((await userOf(email)).id).toBe(user.id)
    await expectProblem(await login(next), 'invalid_credentials')

    expect((await verify(secret)).status).toBe(204)
    await expectProblem(await app.get('/auth/status', access_token), 'token_revoked')
    await expectProblem(await app.post('/auth/refresh', { refresh_token }), 'token_revoked')
    await expectProblem(await login(email), 'invalid_credentials')
    expect(await userOf(next)).toMatchObject({ id: user.id, email: next, email_verified: true })
    expect((await app.mailServer.to(email, 3)).at(-1)?.headers.get('subject')).toMatch(/was changed/)
    await expectProblem(await verify(secret), 'token_invalid')
  })

  it('changes once, of 50 who follow the link at the same time', async () => {
    const { access_token } = await person()
    const next = newEmail()
    await change(access_token, { email: next })
    const secret = await app.secretFor(next)
    const answers = await Promise.all(Array.from({ length: 50 }, () => verify(secret)))
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1)
    expect(answers.filter(({ status }) => ![204, 401, 503].includes(status))).toEqual([])
    expect((await login(next)).status).toBe(200)
  })

  it('kills every other link of the account when it changes', async () => {
    const { email, access_token, ofRegistration } = await person()
    await app.post('/auth/password/forgot', { email })
    const ofReset = await app.secretFor(email, 2)
    const next = newEmail()
    await change(access_token, { email: next })
    expect((await verify(await app.secretFor(next))).status).toBe(204)
    await expectProblem(await verify(ofRegistration), 'token_invalid')
    const wish = { token: ofReset, new_password: 'amber-Lighthouse-27-tuba' }
    await expectProblem(await app.post('/auth/password/reset', wish), 'token_invalid')
    expect((await login(next)).status).toBe(200)
  })

  it('does not change by a link that is older than the password', async () => {
    const { email, access_token } = await person()
    const next = newEmail()
    await change(access_token, { email: next })
    const secret = await app.secretFor(next)
    await app.mailServer.to(email, 2)
    await app.post('/auth/password/forgot', { email })
    const wish = { token: await app.secretFor(email, 3), new_password: 'amber-Lighthouse-27-tuba' }
    expect((await app.post('/auth/password/reset', wish)).status).toBe(204)
    await expectProblem(await verify(secret), 'token_invalid')
  })

  it('of somebody else is not told of: its owner gets a mail', async () => {
    const [one, other] = [await person(), await person()]
    const [known, unknown] = [
      await change(one.access_token, { email: other.email }),
      await change(one.access_token, { email: newEmail() }),
    ]
    expect([known.status, unknown.status]).toEqual([202, 202])
    expect(await known.text()).toBe(await unknown.text())
    // The asker's own mailbox tells no difference either: a mail about the registration, and one for each wish.
    const told = (await app.mailServer.to(one.email, 3)).slice(1)
    const wordsOf = (text: string) => text.replaceAll(/person-\d+/g, 'person').replaceAll(/\s+/g, ' ')
    expect(new Set(told.map(({ text }) => wordsOf(text))).size).toBe(1)
    const mail = (await app.mailServer.to(other.email, 2)).at(-1)
    expect(mail?.text).toContain('You have one there already')
    expect(mail?.text).not.toContain('#token=')
    expect((await userOf(other.email)).id).toBe(other.user.id)
  })

  it('goes to whoever proves it first', async () => {
    const [one, other] = [await person(), await person()]
    const wanted = newEmail()
    await change(one.access_token, { email: wanted })
    const ofOne = await app.secretFor(wanted)
    await change(other.access_token, { email: wanted })
    const ofOther = await app.secretFor(wanted, 2)
    expect((await verify(ofOther)).status).toBe(204)
    await expectProblem(await verify(ofOne), 'email_taken')
    expect((await userOf(wanted)).id).toBe(other.user.id)
    expect((await userOf(one.email)).id).toBe(one.user.id)
    expect(await statusOf(one.access_token)).toBe(200)
  })

  it('needs a fresh token to change, and the right password where one comes along', async () => {
    const { email, access_token, refresh_token } = await person()
    const next = newEmail()
    await expectProblem(await change(access_token, { email: next, password: 'wrong' }), 'invalid_credentials')
    await expectProblem(await change(access_token, { email: 'nobody' }), 'invalid_request')
    await expectProblem(await change(access_token, { email: next, admin: true }), 'invalid_request')
    const stale = (await (await app.post('/auth/refresh', { refresh_token })).json()) as Tokens
    await expectProblem(await change(stale.access_token, { email: next }), 'fresh_token_required')
    await expectProblem(await app.post('/auth/email/change', { email: next }), 'token_missing')
    expect(app.mailServer.mails.some(({ envelope }) => envelope.to.includes(next))).toBe(false)
    expect((await login(email)).status).toBe(200)
  })
})
