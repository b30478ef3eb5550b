import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backendsUnderTest } from './support/backends.ts'
import { type MailApp, startMailApp } from './support/mail-app.ts'
import { type Operator, openOperator } from './support/operator.ts'
import { expectProblem } from './support/problems.ts'
import { newEmail, PASSWORD } from './support/start-app.ts'

describe.each(backendsUnderTest)('a disabled account, over $name', ({ prepare }) => {
  const settings = prepare()
  let operator: Operator
  let app: MailApp
  beforeAll(async () => {
    operator = await openOperator(await settings())
    app = await startMailApp({ settings: operator.settings })
  })
  afterAll(async () => {
    await app.close()
    await operator.close()
  })

  const login = (email: string, password = PASSWORD) => app.post('/auth/login', { email, password })
  const disable = (sub: string) => operator.administration.disable(sub, { by: 'an operator', reason: 'left' })
  const statusOf = async (token: string) => (await app.get('/auth/status', token)).status
  const person = async () => {
    const tokens = await app.register()
    await app.mailServer.to(tokens.user.email)
    return { ...tokens, email: tokens.user.email }
  }

  it('is entered by nobody: no login, no refresh, no token', async () => {
    const { user, email, access_token, refresh_token } = await person()
    await disable(user.id)
    // The account is seen to be disabled before its revocation has come here from the other process.
    const codeOf = async () => ((await (await app.get('/auth/status', access_token)).json()) as { code?: string }).code
    await expect.poll(codeOf).toBe('token_revoked')
    await expectProblem(await app.post('/auth/refresh', { refresh_token }), 'token_revoked')
    const [right, wrong, unknown] = [await login(email), await login(email, 'wrong'), await login(newEmail())]
    const bodies = await Promise.all([right, wrong, unknown].map((answer) => answer.text()))
    expect(bodies[0]).toBe(bodies[1])
    expect(bodies[0]).toBe(bodies[2])
    expect([right.status, wrong.status, unknown.status]).toEqual([401, 401, 401])
    expect([...right.headers.keys()]).toEqual([...unknown.headers.keys()])
  })

  it('gets no mail, and its links are dead', async () => {
    const { user, email } = await person()
    const ofRegistration = await app.secretFor(email)
    await app.post('/auth/password/forgot', { email })
    const secret = await app.secretFor(email, 2)
    await disable(user.id)
    const wish = { token: secret, new_password: 'amber-Lighthouse-27-tuba' }
    await expectProblem(await app.post('/auth/password/reset', wish), 'token_invalid')
    await expectProblem(await app.post('/auth/email/verify', { token: ofRegistration }), 'token_invalid')
    expect((await app.post('/auth/password/forgot', { email })).status).toBe(202)
    const other = await person()
    await app.post('/auth/password/forgot', { email: other.email })
    await app.mailServer.to(other.email, 2)
    expect(await app.mailServer.to(email)).toHaveLength(2)
  })

  it('is entered again once it is enabled, and what was ended stays ended', async () => {
    const { user, email, access_token, refresh_token } = await person()
    await disable(user.id)
    await operator.administration.enable(user.id)
    expect((await login(email)).status).toBe(200)
    await expect.poll(() => statusOf(access_token)).toBe(401)
    await expectProblem(await app.post('/auth/refresh', { refresh_token }), 'token_revoked')
  })

  it('lets no login through that was under way', async () => {
    const { user, email } = await person()
    const logins = Array.from({ length: 12 }, () => login(email))
    await Promise.race(logins)
    await disable(user.id)
    for (const answer of await Promise.all(logins)) {
      if (answer.status !== 200) continue
      const { access_token } = (await answer.json()) as { access_token: string }
      await expect.poll(() => statusOf(access_token)).toBe(401)
    }
    await expectProblem(await login(email), 'invalid_credentials')
  })

  it('has to be there', async () => {
    await expect(disable('nobody')).rejects.toMatchObject({ code: 'not_found' })
    await expect(operator.administration.enable('nobody')).rejects.toMatchObject({ code: 'not_found' })
  })
})
