import type { Session } from 'rescind/wire'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { backendsUnderTest } from './support/backends.ts'
import { createBrowser } from './support/browser.ts'
import { expectProblem } from './support/problems.ts'
import { bearer, newEmail, PASSWORD, type RunningApp, startApp, type Tokens } from './support/start-app.ts'

const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0'

describe.each(backendsUnderTest)("a user's sessions over $name", ({ prepare }) => {
  const settings = prepare()
  let app: RunningApp
  beforeAll(async () => {
    app = await startApp({ settings: { ...(await settings()), SESSIONS_PER_USER: '3' } })
  })
  afterAll(() => app.close())

  const logIn = async (email: string, headers: Record<string, string> = {}): Promise<Tokens> => {
    const answer = await app.post('/auth/login', { email, password: PASSWORD }, headers)
    if (answer.status !== 200) throw new Error(`login: ${answer.status}`)
    return (await answer.json()) as Tokens
  }
  const list = async (token: string): Promise<readonly Session[]> => {
    const answer = await app.get('/auth/sessions', token)
    expect(answer.status).toBe(200)
    return ((await answer.json()) as { sessions: Session[] }).sessions
  }
  const end = (token: string, path: string) => fetch(app.url + path, { method: 'DELETE', headers: bearer(token) })
  const statusOf = async (token: string) => (await app.get('/auth/status', token)).status

  it('are listed with what their owner knows them by, newest first (ASVS 7.5.2)', async () => {
    const first = await app.register()
    const second = await logIn(first.user.email, { 'user-agent': FIREFOX })
    await app.register()
    const [newer, older, ...others] = await list(first.access_token)
    expect(others).toEqual([])
    expect(newer).toEqual({
      id: second.session_id,
      created_at: expect.stringMatching(/Z$/),
      last_used_at: expect.stringMatching(/Z$/),
      expires_at: expect.stringMatching(/Z$/),
      ip: '127.0.0.1',
      user_agent: FIREFOX,
      device: 'Firefox on Windows',
      current: false,
    })
    expect(older).toMatchObject({ id: first.session_id, current: true })
  })

  it('are ended one by one', async () => {
    const first = await app.register()
    const second = await logIn(first.user.email)
    const answer = await end(first.access_token, `/auth/sessions/${second.session_id}`)
    expect(answer.status).toBe(204)
    expect(answer.headers.get('clear-site-data')).toBeNull()
    await expectProblem(await app.get('/auth/status', second.access_token), 'token_revoked')
    await expectProblem(await app.post('/auth/refresh', { refresh_token: second.refresh_token }), 'token_revoked')
    expect((await list(first.access_token)).map(({ id }) => id)).toEqual([first.session_id])
    // The second time there is none.
    await expectProblem(await end(first.access_token, `/auth/sessions/${second.session_id}`), 'not_found')
    expect((await end(first.access_token, `/auth/sessions/${first.session_id}`)).status).toBe(204)
    await expectProblem(await app.get('/auth/sessions', first.access_token), 'token_revoked')
  })

  it('cannot be ended by somebody else, who does not even learn that they exist (ASVS 8.2.2)', async () => {
    const mine = await app.register()
    const theirs = await app.register()
    const foreign = await expectProblem(
      await end(mine.access_token, `/auth/sessions/${theirs.session_id}`),
      'not_found',
    )
    const unknown = await expectProblem(
      await end(mine.access_token, '/auth/sessions/01a20082-6582-79e8-b674-26aa88d9a2df'),
      'not_found',
    )
    expect(foreign).toEqual(unknown)
    for (const id of ['%00', '..%2f..', "'%20or%201=1--", 'x'.repeat(90), '__proto__', '%ff']) {
      const answer = await end(mine.access_token, `/auth/sessions/${id}`)
      expect({ id, status: answer.status }).toEqual({ id, status: expect.toBeOneOf([400, 404]) })
    }
    expect(await statusOf(theirs.access_token)).toBe(200)
    expect(await statusOf(mine.access_token)).toBe(200)
  })

  it('are ended all at once, or all but this one', async () => {
    const first = await app.register()
    const second = await logIn(first.user.email)
    const third = await logIn(first.user.email)
    const others = await end(second.access_token, '/auth/sessions?except=current')
    expect(others.status).toBe(200)
    expect(await others.json()).toEqual({ revoked: 2 })
    for (const { access_token, refresh_token } of [first, third]) {
      await expectProblem(await app.get('/auth/status', access_token), 'token_revoked')
      await expectProblem(await app.post('/auth/refresh', { refresh_token }), 'token_revoked')
    }
    const fourth = await logIn(first.user.email)
    const all = await end(second.access_token, '/auth/sessions')
    expect(await all.json()).toEqual({ revoked: 2 })
    for (const { access_token } of [second, fourth]) {
      await expectProblem(await app.get('/auth/status', access_token), 'token_revoked')
    }
    expect(await statusOf((await logIn(first.user.email)).access_token)).toBe(200)
  })

  it.each(['?except=all', '?except=current&except=current', '?excpet=current', '?except='])(
    'all stay where the wish is not clear (%s)',
    async (query) => {
      const { access_token } = await app.register()
      await expectProblem(await end(access_token, `/auth/sessions${query}`), 'invalid_request')
      expect(await statusOf(access_token)).toBe(200)
    },
  )

  it('make the browser forget its cookies when its own ends', async () => {
    const { user } = await app.register()
    const browser = createBrowser(app)
    const { session_id } = (await (await browser.logIn(user.email)).json()) as Tokens
    const answer = await browser.send('DELETE', `/auth/sessions/${session_id}`)
    expect(answer.status).toBe(204)
    expect(answer.headers.get('clear-site-data')).toBe('"cookies", "storage"')
    expect(browser.jar.size).toBe(0)
    await browser.logIn(user.email)
    expect((await browser.send('DELETE', '/auth/sessions?except=current')).headers.has('clear-site-data')).toBe(false)
    expect((await browser.send('DELETE', '/auth/sessions')).headers.has('clear-site-data')).toBe(true)
    expect(browser.jar.size).toBe(0)
  })

  it('are no more than the limit: a login ends the oldest', async () => {
    const email = newEmail()
    const sessions = [await app.register(email), await logIn(email), await logIn(email), await logIn(email)]
    const [oldest, ...kept] = sessions
    await expectProblem(await app.get('/auth/status', oldest?.access_token), 'token_revoked')
    await expectProblem(await app.post('/auth/refresh', { refresh_token: oldest?.refresh_token }), 'token_revoked')
    for (const { access_token } of kept) expect(await statusOf(access_token)).toBe(200)
    expect((await list(kept[0]?.access_token ?? '')).length).toBe(3)
  })

  it('are no more than the limit after many logins at once, of which some stay', async () => {
    const { user } = await app.register()
    const logins = await Promise.all(Array.from({ length: 12 }, () => logIn(user.email)))
    const statuses = await Promise.all(logins.map(({ access_token }) => statusOf(access_token)))
    const alive = logins.filter((_, index) => statuses[index] === 200)
    expect(alive.length).toBe(3)
    expect((await list(alive[0]?.access_token ?? '')).length).toBe(3)
  })

  it('of a browser end when it logs in anew, whoever it is (ASVS 7.2.4)', async () => {
    const attacker = createBrowser(app)
    await attacker.logIn((await app.register()).user.email)
    const victim = await app.register()
    const browser = createBrowser(app)
    // Somebody planted the cookies of a session of theirs.
    for (const [name, value] of attacker.jar) browser.jar.set(name, value)
    // The page of the login has no CSRF token to send, and needs none.
    const headers = { 'token-delivery': 'cookie', origin: 'https://id.example.test' }
    const body = { email: victim.user.email, password: PASSWORD }
    expect((await browser.send('POST', '/auth/login', { body, headers, csrf: null })).status).toBe(200)
    await expectProblem(await attacker.send('GET', '/auth/status'), 'token_revoked')
    await expectProblem(await attacker.send('POST', '/auth/refresh', { csrf: 'refresh' }), 'token_revoked')
    const before = new Map(browser.jar)
    for (const [name, value] of attacker.jar) expect(browser.jar.get(name)).not.toBe(value)
    const status = await browser.send('GET', '/auth/status')
    expect(await status.json()).toMatchObject({ user: { id: victim.user.id } })
    // Registering somebody else in the same browser is a login, too.
    await browser.send('POST', '/auth/register', { body: { ...body, email: newEmail() }, headers, csrf: null })
    const old = createBrowser(app)
    for (const [name, value] of before) old.jar.set(name, value)
    await expectProblem(await old.send('GET', '/auth/status'), 'token_revoked')
    expect(await statusOf(victim.access_token)).toBe(200)
  })

  it('of a browser stay when the login fails', async () => {
    const { user } = await app.register()
    const browser = createBrowser(app)
    await browser.logIn(user.email)
    const body = { email: user.email, password: 'wrong-password' }
    await expectProblem(await browser.send('POST', '/auth/login', { body }), 'invalid_credentials')
    expect((await browser.send('GET', '/auth/status')).status).toBe(200)
  })
})

it('are shown to nobody without a token', async () => {
  const app = await startApp()
  onTestFinished(() => app.close())
  for (const route of ['/auth/sessions', '/auth/sessions/x']) {
    await expectProblem(await fetch(app.url + route, { method: 'DELETE' }), 'token_missing')
  }
  await expectProblem(await app.get('/auth/sessions'), 'token_missing')
})
