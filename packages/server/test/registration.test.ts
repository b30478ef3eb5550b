import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backendsUnderTest } from './support/backends.ts'
import { type MailApp, startMailApp } from './support/mail-app.ts'
import { expectProblem } from './support/problems.ts'
import { secretIn } from './support/read-mail.ts'
import { newEmail, PASSWORD } from './support/start-app.ts'

const OTHER_PASSWORD = 'amber-Lighthouse-27-tuba'

describe.each(backendsUnderTest)('REGISTRATION=verify, over $name', ({ prepare }) => {
  const settings = prepare()
  let app: MailApp
  beforeAll(async () => {
    app = await startMailApp({ settings: await settings(), registration: 'verify' })
  })
  afterAll(() => app.close())

  const register = (email: string, password = PASSWORD) => app.post('/auth/register', { email, password })
  const login = (email: string, password = PASSWORD) => app.post('/auth/login', { email, password })
  const verify = (token: string) => app.post('/auth/email/verify', { token })
  const verified = async () => {
    const email = newEmail()
    await register(email)
    expect((await verify(await app.secretFor(email))).status).toBe(204)
    return email
  }

  it('lets somebody in who has followed the link, and nobody before', async () => {
    const email = newEmail()
    const answer = await register(email)
    expect(answer.status).toBe(202)
    expect(await answer.text()).toBe('')
    const secret = await app.secretFor(email)
    const [right, wrong] = [await login(email), await login(email, 'wrong')]
    expect(await right.text()).toBe(await wrong.text())
    expect(right.status).toBe(401)
    expect((await verify(secret)).status).toBe(204)
    expect((await login(email)).status).toBe(200)
  })

  it('answers the same for an address that is taken, and tells its owner', async () => {
    const email = await verified()
    const [known, unknown] = [await register(email, OTHER_PASSWORD), await register(newEmail(), OTHER_PASSWORD)]
    expect(known.status).toBe(202)
    expect(await known.text()).toBe(await unknown.text())
    const dateless = (headers: Headers) => [...headers].filter(([name]) => name !== 'date' && name !== 'x-request-id')
    expect(dateless(known.headers)).toEqual(dateless(unknown.headers))
    const mail = (await app.mailServer.to(email, 2)).at(-1)
    expect(mail?.text).toContain('You have one there already')
    await expectProblem(await login(email, OTHER_PASSWORD), 'invalid_credentials')
    expect((await login(email)).status).toBe(200)
  })

  it('gives an address that was registered twice to whoever reads its mails, not to who came first', async () => {
    const email = newEmail()
    await register(email, OTHER_PASSWORD)
    const ofFirst = await app.secretFor(email)
    await register(email, PASSWORD)
    const mail = (await app.mailServer.to(email, 2)).at(-1)
    if (mail === undefined) throw new Error('there is no mail')
    expect(mail.text).toContain('/reset-password#token=')
    await expectProblem(await verify(ofFirst), 'token_invalid')
    const wish = { token: secretIn(mail), new_password: 'a third phrase of 4 words' }
    expect((await app.post('/auth/password/reset', wish)).status).toBe(204)
    expect((await login(email, wish.new_password)).status).toBe(200)
    for (const password of [PASSWORD, OTHER_PASSWORD]) {
      await expectProblem(await login(email, password), 'invalid_credentials')
    }
  })

  it('makes one account of many registrations at once', async () => {
    const email = newEmail()
    const answers = await Promise.all(Array.from({ length: 8 }, () => register(email)))
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202))
    await app.mailServer.to(email, 5)
  })

  it('still refuses what is no address and no password', async () => {
    await expectProblem(await register('nobody'), 'invalid_request')
    await expectProblem(await register(newEmail(), 'short'), 'invalid_request')
    await expectProblem(await register(newEmail(), 'password1'), 'password_too_weak')
    await expectProblem(await register(await verified(), 'password1'), 'password_too_weak')
  })

  it.each(['admin', 'role', 'email_verified', 'id', 'userId', 'disabled_at_ms', 'constructor'])(
    'takes no %s from a body',
    async (field) => {
      const body = { email: newEmail(), password: PASSWORD, [field]: true }
      const problem = await expectProblem(await app.post('/auth/register', body), 'invalid_request')
      expect(problem.errors?.map(({ path }) => path)).toEqual([field])
    },
  )

  it('takes no prototype from a body', async () => {
    for (const key of ['__proto__', 'constructor']) {
      const text = `{"email":"${newEmail()}","password":"${PASSWORD}","${key}":{"admin":true}}`
      await expectProblem(await app.post('/auth/register', text), 'invalid_request')
    }
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
  })
})
