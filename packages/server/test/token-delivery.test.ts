import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { readConfig } from '../src/config.ts'
import { createService } from '../src/service.ts'
import { backendsUnderTest } from './support/backends.ts'
import { createBrowser } from './support/browser.ts'
import { expectProblem } from './support/problems.ts'
import { bearer, newEmail, PASSWORD, type RunningApp, startApp, type Tokens } from './support/start-app.ts'

/** The cookies without what differs from login to login. */
const shapes = (lines: readonly string[]) =>
  lines.map((line) => line.replace(/^([\w-]+)=[^;]+/, '$1=…').replace(/Max-Age=[1-9]\d*/, 'Max-Age=…'))

const byCookie = { 'token-delivery': 'cookie' }

describe.each(backendsUnderTest)('tokens in cookies over $name', ({ prepare }) => {
  const settings = prepare()
  let app: RunningApp
  beforeAll(async () => {
    app = await startApp({ settings: await settings() })
  })
  afterAll(() => app.close())

  it('are HttpOnly, Secure and __Host-, beside readable CSRF cookies, and in no body (ASVS 3.3.1-3.3.4)', async () => {
    const browser = createBrowser(app)
    const credentials = { email: newEmail(), password: PASSWORD }
    const registered = await browser.send('POST', '/auth/register', { body: credentials, headers: byCookie })
    expect(registered.status).toBe(201)
    const text = await registered.text()
    expect(Object.keys(JSON.parse(text))).toEqual(['expires_in', 'session_id', 'user', 'refresh_expires_in'])
    for (const value of browser.jar.values()) expect(text).not.toContain(value)
    expect(shapes(browser.lastSet)).toEqual([
      '__Host-access_token=…; Max-Age=…; Path=/; Secure; HttpOnly; SameSite=Lax',
      '__Host-csrf_token=…; Max-Age=…; Path=/; Secure; SameSite=Lax',
      '__Host-refresh_token=…; Max-Age=…; Path=/; Secure; HttpOnly; SameSite=Lax',
      '__Host-csrf_refresh_token=…; Max-Age=…; Path=/; Secure; SameSite=Lax',
    ])
    for (const [name, value] of browser.jar) expect(name.length + value.length).toBeLessThanOrEqual(4096)
    expect((await browser.send('GET', '/auth/status', { csrf: null })).status).toBe(200)
  })

  it('are renewed by a refresh, with nothing but the cookie and its CSRF token', async () => {
    const { user } = await app.register()
    const browser = createBrowser(app)
    const first = (await (await browser.logIn(user.email)).json()) as { session_id: string }
    const old = new Map(browser.jar)
    const answer = await browser.send('POST', '/auth/refresh', { csrf: 'refresh' })
    expect(answer.status).toBe(200)
    expect(await answer.json()).toEqual({
      user,
      session_id: first.session_id,
      expires_in: expect.any(Number),
      refresh_expires_in: expect.any(Number),
    })
    for (const [name, value] of old) expect(browser.jar.get(name)).not.toBe(value)
    expect((await browser.send('GET', '/auth/status')).status).toBe(200)
    for (const csrf of ['access', null] as const) {
      await expectProblem(await browser.send('POST', '/auth/refresh', { csrf }), 'csrf_failed')
    }
    // The token from before the refresh is in the hands of nobody who should have it.
    const stale = { text: old.get('__Host-csrf_refresh_token') ?? '' }
    await expectProblem(await browser.send('POST', '/auth/refresh', { csrf: stale }), 'csrf_failed')
    expect((await browser.send('POST', '/auth/refresh', { csrf: 'refresh' })).status).toBe(200)
  })

  it('are taken back by a logout, which clears what the site kept', async () => {
    const { user } = await app.register()
    const browser = createBrowser(app)
    await browser.logIn(user.email)
    const old = new Map(browser.jar)
    const answer = await browser.send('POST', '/auth/logout')
    expect(answer.status).toBe(204)
    expect(answer.headers.get('clear-site-data')).toBe('"cookies", "storage"')
    expect(shapes(browser.lastSet)).toEqual([
      '__Host-access_token=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax',
      '__Host-csrf_token=; Max-Age=0; Path=/; Secure; SameSite=Lax',
      '__Host-refresh_token=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax',
      '__Host-csrf_refresh_token=; Max-Age=0; Path=/; Secure; SameSite=Lax',
    ])
    for (const [name, value] of old) browser.jar.set(name, value)
    await expectProblem(await browser.send('GET', '/auth/status'), 'token_revoked')
    await expectProblem(await browser.send('POST', '/auth/refresh', { csrf: 'refresh' }), 'token_revoked')
  })

  it('let a browser log out whose access cookie has expired', async () => {
    const { user } = await app.register()
    const browser = createBrowser(app)
    await browser.logIn(user.email)
    for (const name of ['__Host-access_token', '__Host-csrf_token']) browser.jar.delete(name)
    await expectProblem(await browser.send('POST', '/auth/logout', { csrf: null }), 'csrf_failed')
    const answer = await browser.send('POST', '/auth/logout', { csrf: 'refresh' })
    expect(answer.status).toBe(204)
    expect(answer.headers.get('clear-site-data')).toBe('"cookies", "storage"')
    expect(browser.jar.size).toBe(0)
  })

  it('are replaced by a change of password', async () => {
    const { user, access_token } = await app.register()
    const browser = createBrowser(app)
    await browser.logIn(user.email)
    const old = browser.jar.get('__Host-access_token')
    const body = { current_password: PASSWORD, new_password: 'another-Violet-tractor-7' }
    const answer = await browser.send('POST', '/auth/password/change', { body })
    expect(answer.status).toBe(200)
    expect(await answer.json()).not.toHaveProperty('access_token')
    expect(browser.jar.get('__Host-access_token')).not.toBe(old)
    expect((await browser.send('GET', '/auth/status')).status).toBe(200)
    await expectProblem(await app.get('/auth/status', access_token), 'token_revoked')
  })

  it('are never told to scripts, not even where the request asks for it', async () => {
    const { user } = await app.register()
    const browser = createBrowser(app)
    await browser.logIn(user.email)
    const headers = { 'token-delivery': 'body' }
    const body = { current_password: PASSWORD, new_password: 'another-Violet-tractor-7' }
    for (const answer of [
      await browser.send('POST', '/auth/refresh', { csrf: 'refresh', headers }),
      await browser.send('POST', '/auth/password/change', { body, headers }),
      await browser.send('POST', '/auth/reauthenticate', { body: { password: PASSWORD }, headers }),
    ]) {
      await expectProblem(answer, 'invalid_request')
    }
    expect((await browser.send('POST', '/auth/refresh', { csrf: 'refresh' })).status).toBe(200)
    expect((await browser.logIn(user.email)).status).toBe(200)
  })

  it('are refused beside a different token in the header or the body', async () => {
    const { user, access_token, refresh_token } = await app.register()
    const browser = createBrowser(app)
    await browser.logIn(user.email)
    await expectProblem(await browser.send('GET', '/auth/status', { headers: bearer(access_token) }), 'token_malformed')
    for (const request of [{ body: { refresh_token } }, { headers: bearer(refresh_token) }]) {
      const answer = await browser.send('POST', '/auth/refresh', { csrf: 'refresh', ...request })
      await expectProblem(answer, 'invalid_request')
    }
    expect((await app.get('/auth/status', access_token)).status).toBe(200)
  })

  it('can take the place of tokens that were in the body', async () => {
    const { refresh_token } = await app.register()
    const browser = createBrowser(app)
    const answer = await browser.send('POST', '/auth/refresh', { body: { refresh_token }, headers: byCookie })
    expect(answer.status).toBe(200)
    expect(browser.jar.size).toBe(4)
  })

  it('come by no other word', async () => {
    const { user } = await app.register()
    for (const word of ['Cookie', 'cookies', 'body, cookie', '']) {
      const answer = await app.post(
        '/auth/login',
        { email: user.email, password: PASSWORD },
        { 'token-delivery': word },
      )
      await expectProblem(answer, 'invalid_request')
    }
  })
})

describe('reauthentication', () => {
  let app: RunningApp
  beforeAll(async () => {
    app = await startApp()
  })
  afterAll(() => app.close())

  const reauthenticate = (token: string, password = PASSWORD) =>
    app.post('/auth/reauthenticate', { password }, bearer(token))

  it('gives a fresh access token of the same session, and none but it', async () => {
    const first = await app.register()
    const stale = (await (await app.post('/auth/refresh', { refresh_token: first.refresh_token })).json()) as Tokens
    const answer = await reauthenticate(stale.access_token)
    expect(answer.status).toBe(200)
    const body = (await answer.json()) as Tokens
    expect(body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: expect.closeTo(900, -1),
      session_id: first.session_id,
      user: first.user,
    })
    const status = await app.get('/auth/status', body.access_token)
    expect(await status.json()).toMatchObject({ session: { id: first.session_id }, token: { fresh: true } })
    await expectProblem(await app.get('/auth/status', stale.access_token), 'token_revoked')
    expect((await app.post('/auth/refresh', { refresh_token: stale.refresh_token })).status).toBe(200)
  })

  it('by cookie replaces the access cookie alone', async () => {
    const { user } = await app.register()
    const browser = createBrowser(app)
    await browser.logIn(user.email)
    const refreshToken = browser.jar.get('__Host-refresh_token')
    const answer = await browser.send('POST', '/auth/reauthenticate', { body: { password: PASSWORD } })
    expect(Object.keys((await answer.json()) as object)).toEqual(['expires_in', 'session_id', 'user'])
    expect(browser.lastSet.map((line) => line.split('=', 1)[0])).toEqual(['__Host-access_token', '__Host-csrf_token'])
    expect(browser.jar.get('__Host-refresh_token')).toBe(refreshToken)
    expect((await browser.send('POST', '/auth/reauthenticate', { body: { password: PASSWORD } })).status).toBe(200)
  })

  it('wants the password, and an access token', async () => {
    const { access_token, refresh_token } = await app.register()
    await expectProblem(await reauthenticate(access_token, 'wrong-password'), 'invalid_credentials')
    await expectProblem(await reauthenticate(refresh_token), 'wrong_token_type')
    const body = { password: PASSWORD, email: 'a@b.test' }
    await expectProblem(await app.post('/auth/reauthenticate', body, bearer(access_token)), 'invalid_request')
    expect((await app.get('/auth/status', access_token)).status).toBe(200)
  })
})

it('over plain HTTP on this machine the cookies go without Secure and prefix, and the refresh token by its path', async () => {
  const app = await startApp({ issuer: 'http://localhost:3000' })
  onTestFinished(() => app.close())
  const { user } = await app.register()
  const browser = createBrowser(app)
  await browser.logIn(user.email)
  expect(shapes(browser.lastSet)).toEqual([
    'access_token=…; Max-Age=…; Path=/; HttpOnly; SameSite=Lax',
    'csrf_token=…; Max-Age=…; Path=/; SameSite=Lax',
    'refresh_token=…; Max-Age=…; Path=/auth; HttpOnly; SameSite=Lax',
    'csrf_refresh_token=…; Max-Age=…; Path=/; SameSite=Lax',
  ])
  expect((await browser.send('POST', '/auth/refresh', { csrf: 'refresh' })).status).toBe(200)
})

it.each(['http://auth.internal:3000', 'http://192.168.1.5', 'http://localhost.example.com'])(
  'over plain HTTP elsewhere (%s) the cookies stay Secure',
  async (issuer) => {
    const app = await startApp({ issuer })
    onTestFinished(() => app.close())
    const { user } = await app.register()
    const browser = createBrowser(app)
    await browser.logIn(user.email)
    for (const line of browser.lastSet) expect(line).toMatch(/^__Host-.*; Secure/)
  },
)

it.each([
  ['http://localhost:3000', 1],
  ['https://id.example.test', 0],
  ['http://auth.internal', 0],
])('the service says at its start that its cookies are plain (%s: %i times)', async (issuer, times) => {
  const directory = mkdtempSync(join(tmpdir(), 'rescind-cookies-'))
  const lines: string[] = []
  const service = await createService(readConfig({ DATA_DIR: directory, ISSUER: issuer }), {
    write: (line) => lines.push(line),
  })
  onTestFinished(async () => {
    await service.close(0)
    rmSync(directory, { recursive: true, force: true })
  })
  await service.app.listen({ port: 0, host: '127.0.0.1' })
  expect(lines.filter((line) => line.includes('without Secure')).length).toBe(times)
})
