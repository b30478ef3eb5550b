import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backendsUnderTest } from './support/backends.ts'
import { createHeldPasswords } from './support/held-passwords.ts'
import { expectProblem } from './support/problems.ts'
import { bearer, PASSWORD, type RunningApp, startApp, type Tokens } from './support/start-app.ts'

const NEW_PASSWORD = 'amber-Lighthouse-27-tuba'

describe.each(backendsUnderTest)('a change of password, over $name', ({ prepare }) => {
  const settings = prepare()
  const held = createHeldPasswords()
  let app: RunningApp
  beforeAll(async () => {
    app = await startApp({ settings: await settings(), passwords: held.passwords })
  })
  afterAll(() => app.close())

  const change = (token: string, current: unknown = PASSWORD, wanted: unknown = NEW_PASSWORD) =>
    app.post('/auth/password/change', { current_password: current, new_password: wanted }, bearer(token))
  const login = (email: string, password: string) => app.post('/auth/login', { email, password })
  const loggedIn = async (email: string) => (await (await login(email, PASSWORD)).json()) as Tokens
  const refresh = (token: string) => app.post('/auth/refresh', { refresh_token: token })
  const statusOf = async (token: string) => (await app.get('/auth/status', token)).status

  it('ends every session, this one too, and begins another', async () => {
    const first = await app.register()
    const other = await loggedIn(first.user.email)
    const answer = await change(first.access_token)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const next = (await answer.json()) as Tokens
    expect(next.user).toEqual(first.user)
    expect([first.session_id, other.session_id]).not.toContain(next.session_id)

    for (const tokens of [first, other]) {
      await expectProblem(await app.get('/auth/status', tokens.access_token), 'token_revoked')
      await expectProblem(await refresh(tokens.refresh_token), 'token_revoked')
    }
    const status = await app.get('/auth/status', next.access_token)
    expect(await status.json()).toMatchObject({ session: { id: next.session_id }, token: { fresh: true } })
    expect((await refresh(next.refresh_token)).status).toBe(200)
    await expectProblem(await login(first.user.email, PASSWORD), 'invalid_credentials')
    expect((await login(first.user.email, NEW_PASSWORD)).status).toBe(200)
  })

  it('leaves other accounts alone', async () => {
    const [one, other] = [await app.register(), await app.register()]
    expect((await change(one.access_token)).status).toBe(200)
    expect(await statusOf(other.access_token)).toBe(200)
    expect((await login(other.user.email, PASSWORD)).status).toBe(200)
  })

  it('is refused, and changes nothing, with a wrong password, a weak one, or one of no usable form', async () => {
    const { access_token, refresh_token, user } = await app.register()
    await expectProblem(await change(access_token, `${PASSWORD}x`), 'invalid_credentials')
    await expectProblem(await change(access_token, PASSWORD, 'password1'), 'password_too_weak')
    await expectProblem(await change(access_token, PASSWORD, user.email), 'password_too_weak')
    for (const [body, path] of [
      [{ current_password: PASSWORD, new_password: 'short' }, 'new_password'],
      [{ current_password: PASSWORD, new_password: 7 }, 'new_password'],
      [{ new_password: NEW_PASSWORD }, 'current_password'],
      [{ current_password: PASSWORD, new_password: NEW_PASSWORD, more: 1 }, 'more'],
    ] as const) {
      const answer = await app.post('/auth/password/change', body, bearer(access_token))
      const problem = await expectProblem(answer, 'invalid_request')
      expect(problem.errors?.map((error) => error.path)).toEqual([path])
    }
    expect(await statusOf(access_token)).toBe(200)
    expect((await refresh(refresh_token)).status).toBe(200)
    expect((await login(user.email, PASSWORD)).status).toBe(200)
  })

  it('needs a fresh access token', async () => {
    const first = await app.register()
    const refreshed = (await (await refresh(first.refresh_token)).json()) as Tokens
    const stale = await change(refreshed.access_token)
    expect(stale.headers.get('www-authenticate')).toMatch(/^Bearer error="insufficient_user_authentication"/)
    await expectProblem(stale, 'fresh_token_required')
    await expectProblem(await change(refreshed.refresh_token), 'wrong_token_type')
    await expectProblem(await app.post('/auth/password/change', {}), 'token_missing')
    await app.post('/auth/logout', undefined, bearer(first.access_token))
    await expectProblem(await change(first.access_token), 'token_revoked')
    expect((await login(first.user.email, PASSWORD)).status).toBe(200)
  })

  it('comes to pass once, of many asked for at once', async () => {
    const { access_token, user } = await app.register()
    const wanted = Array.from({ length: 5 }, (_, index) => `${NEW_PASSWORD}-${index}`)
    const answers = await Promise.all(wanted.map((password) => change(access_token, PASSWORD, password)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401, 401])
    const entries = await Promise.all(wanted.map((password) => login(user.email, password)))
    expect(entries.map(({ status }) => status)).toEqual(answers.map(({ status }) => status))
  })

  it('lets nobody in who proved the old password just before it', async () => {
    const { access_token, user } = await app.register()
    const release = held.holdNext()
    const late = login(user.email, PASSWORD)
    await expect.poll(held.isHeld).toBe(true)
    expect((await change(access_token)).status).toBe(200)
    release()
    await expectProblem(await late, 'invalid_credentials')
  })
})
