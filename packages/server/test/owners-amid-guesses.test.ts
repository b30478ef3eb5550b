import { createFakeClock } from 'rescind/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { memoryCounters } from '../src/rate-limits/counters.ts'
import { defaultRateLimits } from '../src/rate-limits/settings.ts'
import { type MailApp, startMailApp } from './support/mail-app.ts'
import { expectProblem } from './support/problems.ts'
import { bearer, newEmail, PASSWORD } from './support/start-app.ts'

const NEW_PASSWORD = 'amber-Lighthouse-27-tuba'
const HOME = '192.0.2.1'
const ELSEWHERE = '192.0.2.200'

describe('the owner of an account that a stranger guesses at', () => {
  const counting = createFakeClock()
  let app: MailApp
  beforeAll(async () => {
    const counters = memoryCounters({ clock: counting })
    app = await startMailApp({ trustProxy: 1, rateLimits: { settings: defaultRateLimits, counters } })
  })
  afterAll(() => app.close())

  const from = (place: string) => ({ 'x-forwarded-for': place })
  const login = (email: string, password: string, place: string) =>
    app.post('/auth/login', { email, password }, from(place))
  /** Wrong passwords until no more are let through, from a place and from many others. */
  const guessMany = async (email: string, place?: string) => {
    for (let at = 0; at < 8; at += 1) await login(email, 'wrong-guess', place ?? `198.51.100.${at}`)
  }
  const forgotten = async (email: string, mails: number) => {
    expect((await app.post('/auth/password/forgot', { email })).status).toBe(202)
    return app.secretFor(email, mails)
  }
  const reset = (token: string, place: string) =>
    app.post('/auth/password/reset', { token, new_password: NEW_PASSWORD }, from(place))
  const person = async () => {
    const { user } = await app.register()
    await app.mailServer.to(user.email)
    return user.email
  }

  it('logs in at once after a reset by mail, though the guessing goes on (A27)', async () => {
    const email = await person()
    await guessMany(email)
    await expectProblem(await login(email, PASSWORD, HOME), 'rate_limited')
    expect((await reset(await forgotten(email, 2), HOME)).status).toBe(204)
    await guessMany(email)
    expect((await login(email, NEW_PASSWORD, HOME)).status).toBe(200)
    // Nobody else comes in by it.
    await expectProblem(await login(email, NEW_PASSWORD, ELSEWHERE), 'rate_limited')
  })

  it('logs in at once after a reset also where the guesses come from the same network', async () => {
    const email = await person()
    expect((await login(email, PASSWORD, HOME)).status).toBe(200)
    await guessMany(email, HOME)
    await expectProblem(await login(email, PASSWORD, HOME), 'rate_limited')
    expect((await reset(await forgotten(email, 2), HOME)).status).toBe(204)
    expect((await login(email, NEW_PASSWORD, HOME)).status).toBe(200)
  })

  it('loses every place that was known before a reset or a change of password, but for that of the change', async () => {
    const [email, other] = [await person(), await person()]
    for (const one of [email, other]) expect((await login(one, PASSWORD, ELSEWHERE)).status).toBe(200)
    const { access_token } = (await (await login(other, PASSWORD, HOME)).json()) as { access_token: string }
    expect((await reset(await forgotten(email, 2), HOME)).status).toBe(204)
    const body = { current_password: PASSWORD, new_password: NEW_PASSWORD }
    const changed = await app.post('/auth/password/change', body, { ...bearer(access_token), ...from(HOME) })
    expect(changed.status).toBe(200)
    for (const one of [email, other]) {
      await guessMany(one)
      await expectProblem(await login(one, NEW_PASSWORD, ELSEWHERE), 'rate_limited')
      expect((await login(one, NEW_PASSWORD, HOME)).status).toBe(200)
    }
  })

  it('logs in at once from where an address was proved, also a new one', async () => {
    const [email, next] = [newEmail(), newEmail()]
    const { access_token } = await app.register(email)
    const link = await app.secretFor(email)
    expect((await app.post('/auth/email/verify', { token: link }, from(HOME))).status).toBe(204)
    await guessMany(email)
    expect((await login(email, PASSWORD, HOME)).status).toBe(200)
    expect((await app.post('/auth/email/change', { email: next }, bearer(access_token))).status).toBe(202)
    const ofChange = await app.secretFor(next)
    await guessMany(next)
    expect((await app.post('/auth/email/verify', { token: ofChange }, from(HOME))).status).toBe(204)
    expect((await login(next, PASSWORD, HOME)).status).toBe(200)
  })

  it('logs in where the account was registered, and a link that is no good opens nothing', async () => {
    const email = newEmail()
    const answer = await app.post('/auth/register', { email, password: PASSWORD }, from(HOME))
    expect(answer.status).toBe(201)
    await guessMany(email)
    expect((await login(email, PASSWORD, HOME)).status).toBe(200)
    await expectProblem(await reset('A'.repeat(43), ELSEWHERE), 'token_invalid')
    await expectProblem(await login(email, PASSWORD, ELSEWHERE), 'rate_limited')
  })

  it('is told of a login that comes after many wrong passwords, once an hour (ASVS 6.3.5)', async () => {
    const [email, other] = [await person(), await person()]
    const guessFive = async () => {
      for (let at = 0; at < 5; at += 1) await login(email, 'wrong-guess', `198.51.100.${at}`)
    }
    await guessFive()
    expect((await login(email, PASSWORD, ELSEWHERE)).status).toBe(200)
    const mail = (await app.mailServer.to(email, 2)).at(-1)
    expect(mail?.headers.get('subject')).toBe('A login to your account at app.example.test')
    expect(mail?.text).toContain('passwords had been tried for it many times')
    expect(mail?.text).not.toMatch(/#token=|192\.0\.2/)
    expect((await login(email, PASSWORD, ELSEWHERE)).status).toBe(200)
    counting.advance(3_600_000)
    expect((await login(email, PASSWORD, ELSEWHERE)).status).toBe(200)
    await app.mailServer.to(email, 3)
    // A login that nobody guessed before is no news, and by now a mail of it would have come.
    expect((await login(other, PASSWORD, ELSEWHERE)).status).toBe(200)
    await forgotten(other, 2)
    expect([(await app.mailServer.to(email)).length, (await app.mailServer.to(other)).length]).toEqual([3, 2])
  })
})
