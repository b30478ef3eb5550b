import { createHash, randomBytes } from 'node:crypto'
import { createFakeClock, type FakeClock } from 'rescind/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backendsUnderTest } from './support/backends.ts'
import { createHeldPasswords } from './support/held-passwords.ts'
import { type MailApp, PUBLIC_URL, startMailApp } from './support/mail-app.ts'
import { expectProblem } from './support/problems.ts'
import { bearer, newEmail, PASSWORD, type Tokens } from './support/start-app.ts'

const NEW_PASSWORD = 'amber-Lighthouse-27-tuba'
const MINUTE = 60_000

describe.each(backendsUnderTest)('a forgotten password, over $name', ({ prepare }) => {
  const settings = prepare()
  const held = createHeldPasswords()
  let app: MailApp
  let clock: FakeClock
  beforeAll(async () => {
    clock = createFakeClock(Date.now())
    app = await startMailApp({ settings: await settings(), clock, passwords: held.passwords })
  })
  afterAll(() => app.close())

  const forgot = (email: unknown) => app.post('/auth/password/forgot', { email })
  const reset = (token: unknown, password: unknown = NEW_PASSWORD) =>
    app.post('/auth/password/reset', { token, new_password: password })
  const login = (email: string, password: string) => app.post('/auth/login', { email, password })
  /** A registered account whose mail of registration has come. */
  const person = async () => {
    const tokens = await app.register()
    await app.mailServer.to(tokens.user.email)
    return { ...tokens, email: tokens.user.email }
  }
  const forgotten = async (email: string, mails = 2) => {
    expect((await forgot(email)).status).toBe(202)
    return app.secretFor(email, mails)
  }

  it('is replaced by the link in a mail, which ends every session and says so', async () => {
    const { email, access_token, refresh_token } = await person()
    const other = (await (await login(email, PASSWORD)).json()) as Tokens
    // Whatever the spelling, the mail goes to the account's own address.
    expect((await forgot(email.replace('person', 'ＰERSON'))).status).toBe(202)
    const secret = await app.secretFor(email, 2)
    const mail = (await app.mailServer.to(email, 2)).at(-1)
    expect(mail?.text).toContain(`${PUBLIC_URL}/reset-password#token=${secret}`)
    expect(mail?.html).toContain(`href="${PUBLIC_URL}/reset-password#token=${secret}"`)

    const answer = await reset(secret)
    expect(answer.status).toBe(204)
    expect(await answer.text()).toBe('')
    for (const token of [access_token, other.access_token]) {
      await expectProblem(await app.get('/auth/status', token), 'token_revoked')
    }
    for (const token of [refresh_token, other.refresh_token]) {
      await expectProblem(await app.post('/auth/refresh', { refresh_token: token }), 'token_revoked')
    }
    await expectProblem(await login(email, PASSWORD), 'invalid_credentials')
    const entered = (await (await login(email, NEW_PASSWORD)).json()) as { user: { email_verified: boolean } }
    expect(entered.user.email_verified).toBe(true)
    const notice = (await app.mailServer.to(email, 3)).at(-1)
    expect(notice?.headers.get('subject')).toMatch(/password .* was changed/)
    expect(notice?.text).not.toContain('#token=')
  })

  it('is replaced once, of 50 who use the link at the same time', async () => {
    const { email, access_token } = await person()
    const secret = await forgotten(email)
    const wanted = Array.from({ length: 50 }, (_, index) => `${NEW_PASSWORD}-${index}`)
    // All of them have found the link good by the time that the first goes on.
    held.gather(wanted.length)
    const answers = await Promise.all(
      wanted.map(async (password) => {
        const answer = await reset(secret, password)
        held.expectOneLess()
        return answer
      }),
    )
    const statuses = answers.map(({ status }) => status)
    expect(statuses.filter((status) => status === 204)).toHaveLength(1)
    expect(statuses.filter((status) => status !== 204 && status !== 401 && status !== 503)).toEqual([])
    const winner = wanted[statuses.indexOf(204)] ?? ''
    expect((await login(email, winner)).status).toBe(200)
    expect((await app.get('/auth/status', access_token)).status).toBe(401)
    await expectProblem(await reset(secret), 'token_invalid')
  })

  it('lets nobody in who proved the old password just before it', async () => {
    const { email } = await person()
    const secret = await forgotten(email)
    const release = held.holdNext()
    const late = login(email, PASSWORD)
    await expect.poll(held.isHeld).toBe(true)
    expect((await reset(secret)).status).toBe(204)
    release()
    await expectProblem(await late, 'invalid_credentials')
  })

  it('has one living link: the next mail kills the one before', async () => {
    const { email } = await person()
    const first = await forgotten(email)
    const second = await forgotten(email, 3)
    expect(second).not.toBe(first)
    await expectProblem(await reset(first), 'token_invalid')
    expect((await reset(second)).status).toBe(204)
    await expectProblem(await reset(second), 'token_invalid')
  })

  it('has a link that lives for ten minutes', async () => {
    const { email } = await person()
    const early = await forgotten(email)
    clock.advance(10 * MINUTE)
    await expectProblem(await reset(early), 'token_invalid')
    const late = await forgotten(email, 3)
    clock.advance(10 * MINUTE - 1)
    expect((await reset(late)).status).toBe(204)
  })

  it('has a link that a change of the password kills', async () => {
    const { email } = await person()
    const secret = await forgotten(email)
    const { access_token } = (await (await login(email, PASSWORD)).json()) as Tokens
    const wish = { current_password: PASSWORD, new_password: `${NEW_PASSWORD}-2` }
    expect((await app.post('/auth/password/change', wish, bearer(access_token))).status).toBe(200)
    await expectProblem(await reset(secret), 'token_invalid')
    expect((await login(email, `${NEW_PASSWORD}-2`)).status).toBe(200)
  })

  it('keeps the link after a password that is refused', async () => {
    const { email } = await person()
    const secret = await forgotten(email)
    await expectProblem(await reset(secret, 'password1'), 'password_too_weak')
    await expectProblem(await reset(secret, email), 'password_too_weak')
    await expectProblem(await reset(secret, 'short'), 'invalid_request')
    expect((await reset(secret)).status).toBe(204)
  })

  it('sends no more than five links at once, besides what else an address is sent', async () => {
    const { email } = await person()
    for (let asked = 0; asked < 8; asked += 1) expect((await forgot(email)).status).toBe(202)
    const control = await person()
    await forgotten(control.email)
    // The mail of the registration is one of them.
    expect(await app.mailServer.to(email, 6)).toHaveLength(6)
    clock.advance(10 * MINUTE)
    expect((await reset(await forgotten(email, 7))).status).toBe(204)
  })

  it('answers an unknown address alike, and mails it nothing', async () => {
    const { email } = await person()
    const stranger = newEmail()
    const [known, unknown] = [await forgot(email), await forgot(stranger)]
    expect(unknown.status).toBe(202)
    expect(await unknown.text()).toBe(await known.text())
    expect([...unknown.headers.keys()]).toEqual([...known.headers.keys()])
    await app.mailServer.to(email, 2)
    expect(app.mailServer.mails.some(({ envelope }) => envelope.to.includes(stranger))).toBe(false)
  })

  it('takes no guess, and no secret that was meant for something else', async () => {
    const { email, access_token } = await person()
    const ofRegistration = await app.secretFor(email)
    const secret = await forgotten(email)
    const hash = createHash('sha256').update(secret).digest('hex')
    const guesses = [
      ofRegistration,
      hash,
      secret.slice(1),
      `${secret}A`,
      secret.toLowerCase(),
      ` ${secret}`,
      access_token,
    ]
    for (const guess of guesses) {
      await expectProblem(await reset(guess), guess.length > 128 ? 'invalid_request' : 'token_invalid')
    }
    for (const odd of [null, 7, {}, [secret], '', '__proto__\0']) {
      const answer = await reset(odd)
      expect([400, 401]).toContain(answer.status)
    }
    expect((await app.post('/auth/email/verify', { token: secret })).status).toBe(401)
    expect((await reset(secret)).status).toBe(204)
  })

  it('lets nobody in by 1,000 guesses', async () => {
    const { email } = await person()
    const secret = await forgotten(email)
    for (let round = 0; round < 20; round += 1) {
      const guesses = Array.from({ length: 50 }, () => reset(randomBytes(32).toString('base64url')))
      const answers = await Promise.all(guesses)
      expect(answers.filter(({ status }) => status < 400)).toEqual([])
    }
    expect((await reset(secret)).status).toBe(204)
  })
})
