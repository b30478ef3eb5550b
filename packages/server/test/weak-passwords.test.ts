import { dictionary } from '@zxcvbn-ts/language-common'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type MailApp, startMailApp } from './support/mail-app.ts'
import { expectProblem } from './support/problems.ts'
import { bearer, newEmail, PASSWORD, type Tokens } from './support/start-app.ts'

/** 200 of the 3,000 most common passwords that are long enough to get past the rule of eight characters. */
const common = (dictionary['passwords-common'] as readonly string[]).slice(0, 3_000).map(String)
const longEnough = common.filter((password) => password.length >= 8)
const samples = Array.from(
  { length: 200 },
  (_, index) => longEnough[Math.floor((index * longEnough.length) / 200)] ?? '',
)

describe('a password', () => {
  let app: MailApp
  let person: Tokens
  beforeAll(async () => {
    app = await startMailApp()
    person = await app.register()
  })
  afterAll(() => app.close())

  const register = (password: string, email = newEmail()) => app.post('/auth/register', { email, password })

  it('of the 3,000 most common ones is refused at registration, change and reset: 200 samples', async () => {
    expect(common).toHaveLength(3_000)
    expect(new Set(samples).size).toBe(200)
    await app.mailServer.to(person.user.email)
    await app.post('/auth/password/forgot', { email: person.user.email })
    const token = await app.secretFor(person.user.email, 2)
    const wrong: string[] = []
    for (const password of samples) {
      const change = { current_password: PASSWORD, new_password: password }
      const answers = [
        await register(password),
        await app.post('/auth/password/change', change, bearer(person.access_token)),
        await app.post('/auth/password/reset', { token, new_password: password }),
      ]
      if (answers.some(({ status }) => status !== 422)) wrong.push(password)
    }
    expect(wrong).toEqual([])
  }, 60_000)

  it('that is common and shorter than eight characters is refused for that', async () => {
    for (const password of common.filter(({ length }) => length < 8).slice(0, 20)) {
      await expectProblem(await register(password), 'invalid_request')
    }
  })

  it.each(['rescind', 'Rescind-2026', 'r3sc1nd!', 'RESCINDRESCIND'])(
    'made of what everybody would think of here is refused: %s',
    async (password) => {
      expect((await register(password)).status).toBeOneOf([400, 422])
    },
  )

  it('made of the e-mail address is refused', async () => {
    const email = 'zygmunt.brzezinski@pocztowa.example.test'
    for (const password of ['zygmunt.brzezinski', 'Brzezinski1', 'pocztowa.example.test', email]) {
      await expectProblem(await register(password, email), 'password_too_weak')
    }
  })

  it.each([
    ['7 characters', 'kX9#qLz', 400],
    ['8 characters', 'kX9#qLz2', 201],
    ['8 characters outside of the basic plane', '🜁🝮🜚🝐🜹🝪🜶🝕', 201],
    ['7 of them', '🜁🝮🜚🝐🜹🝪🜶', 400],
    ['64 characters', 'plum harbour seven quartz '.repeat(3).slice(0, 64), 201],
    ['128 characters', 'plum harbour seven quartz '.repeat(5).slice(0, 128), 201],
    ['129 characters', 'plum harbour seven quartz '.repeat(5).slice(0, 129), 400],
    ['128 characters of four bytes', '🜁🝮🜚🝐🜹🝪🜶🝕'.repeat(16), 201],
    ['lower case only', 'plumharbourquartzseven', 201],
    ['spaces only between words', 'plum harbour quartz seven', 201],
  ])('of %s', async (_, password, status) => {
    const email = newEmail()
    expect((await register(password, email)).status).toBe(status)
    if (status !== 201) return
    expect((await app.post('/auth/login', { email, password })).status).toBe(200)
    const others = [`${password} `, password.slice(0, -1), `${password}\u0000`]
    for (const other of others) {
      await expectProblem(await app.post('/auth/login', { email, password: other }), 'invalid_credentials')
    }
  })
})
