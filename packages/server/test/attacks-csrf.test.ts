import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Browser, createBrowser } from './support/browser.ts'
import { newEmail, PASSWORD, type RunningApp, startApp } from './support/start-app.ts'

// Of the default issuer of the tests.
const OWN = 'https://id.example.test'
const foreignOrigins = [
  'https://evil.example',
  'null',
  'https://app.example.test',
  'http://id.example.test',
  'https://id.example.test:8443',
  'https://id.example.test.evil.example',
  'https://evil.example, https://id.example.test',
  '',
]
const otherContentTypes = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', '']

/** Every change that a cookie may authenticate. */
const changes = [
  { method: 'POST', path: '/auth/logout', slot: 'access' },
  { method: 'POST', path: '/auth/refresh', slot: 'refresh' },
  { method: 'POST', path: '/auth/reauthenticate', slot: 'access', body: { password: PASSWORD } },
  {
    method: 'POST',
    path: '/auth/password/change',
    slot: 'access',
    body: { current_password: PASSWORD, new_password: 'another-Violet-tractor-7' },
  },
  { method: 'DELETE', path: '/auth/sessions', slot: 'access' },
  { method: 'DELETE', path: '/auth/sessions/SID', slot: 'access' },
] as const

describe('A22: no page of another site changes anything', () => {
  let app: RunningApp
  let victim: Browser
  let attacker: Browser
  let email: string
  let sid: string
  let attempts = 0

  const logInVictim = async () => {
    victim.jar.clear()
    const answer = await victim.logIn(email)
    sid = ((await answer.json()) as { session_id: string }).session_id
  }
  beforeAll(async () => {
    app = await startApp()
    email = (await app.register()).user.email
    victim = createBrowser(app)
    await logInVictim()
    attacker = createBrowser(app)
    await attacker.logIn((await app.register()).user.email)
  })
  afterAll(() => app.close())

  const csrfOf = (browser: Browser, slot: 'access' | 'refresh') =>
    browser.jar.get(slot === 'access' ? '__Host-csrf_token' : '__Host-csrf_refresh_token') ?? ''

  /** All that an attempt could have changed, as the victim sees it. */
  const state = async () => {
    const answer = await victim.send('GET', '/auth/sessions', { csrf: null })
    const { sessions } = (await answer.json()) as { sessions: { id: string; expires_at: string }[] }
    return { status: answer.status, sessions: sessions?.map(({ id, expires_at }) => [id, expires_at]) }
  }

  const attempt = async (
    { method, path, slot, body }: (typeof changes)[number] & { body?: unknown },
    headers: Record<string, string>,
    { csrf, content = body }: { csrf?: string | undefined; content?: unknown } = {},
  ) => {
    const before = await state()
    // Nothing could be changed of what has ended.
    expect(before.status).toBe(200)
    const jar = new Map(victim.jar)
    const token = csrf === undefined ? null : { text: csrf }
    const answer = await victim.send(method, path.replace('SID', sid), { body: content, headers, csrf: token })
    attempts += 1
    const what = `${slot} ${method} ${path} ${JSON.stringify(headers)}`
    expect({ what, status: answer.status, set: answer.headers.getSetCookie() }).toEqual({
      what,
      status: expect.toBeOneOf([400, 401, 403, 415]),
      set: [],
    })
    expect(victim.jar).toEqual(jar)
    expect(await state()).toEqual(before)
  }

  describe.each(changes)('$method $path', (change) => {
    it.each(foreignOrigins)('from the origin %j, even with the right token', async (origin) => {
      await attempt(change, { origin }, { csrf: csrfOf(victim, change.slot) })
      await attempt(change, { origin, 'sec-fetch-site': 'same-origin' }, { csrf: csrfOf(victim, change.slot) })
      await attempt(change, { origin })
    })

    it.each(['cross-site', 'same-site', 'nonsense'])('from a page that is %s', async (site) => {
      await attempt(change, { 'sec-fetch-site': site }, { csrf: csrfOf(victim, change.slot) })
      await attempt(change, { 'sec-fetch-site': site, origin: OWN }, { csrf: csrfOf(victim, change.slot) })
    })

    it.each([{}, { origin: OWN, 'sec-fetch-site': 'same-origin' }])('without the right token (%j)', async (headers) => {
      const others = [csrfOf(attacker, 'access'), csrfOf(attacker, 'refresh'), 'x', 'null', ' ', 'A'.repeat(43)]
      const otherSlot = csrfOf(victim, change.slot === 'access' ? 'refresh' : 'access')
      for (const csrf of [undefined, ...others, otherSlot, `${csrfOf(victim, change.slot)}x`]) {
        await attempt(change, headers, { csrf })
      }
    })

    it('with a cookie tossed by a neighbour', async () => {
      const own = victim.jar.get('__Host-csrf_token') ?? ''
      const tossed = csrfOf(attacker, change.slot)
      // As a plain name, which a neighbour can set, and as the names that browsers would keep it from setting.
      for (const name of ['csrf_token', 'csrf_refresh_token', '__Host-csrf_token', '__Host-csrf_refresh_token']) {
        const cookies = [...victim.jar, [name, tossed]].map(([key, value]) => `${key}=${value}`)
        for (const cookie of [cookies.join('; '), [...cookies].reverse().join('; ')]) {
          await attempt(change, { origin: OWN, cookie }, { csrf: tossed })
        }
      }
      expect(victim.jar.get('__Host-csrf_token')).toBe(own)
    })

    it.each(otherContentTypes)('as %j, with the token in a form field', async (type) => {
      const content = `csrf_token=${csrfOf(victim, change.slot)}&password=${PASSWORD}`
      for (const origin of ['https://evil.example', OWN]) {
        await attempt(change, { origin, 'content-type': type }, { content })
      }
    })

    it('by a method that is another one only in name', async () => {
      for (const headers of [{ 'x-http-method-override': change.method }, { 'x-method-override': change.method }]) {
        const before = await state()
        const path = `${change.path.replace('SID', sid)}?_method=${change.method}`
        const answer = await victim.send('GET', path, { headers, csrf: null })
        attempts += 1
        expect(answer.headers.getSetCookie()).toEqual([])
        expect(await state()).toEqual(before)
      }
    })
  })

  it('into an account of the attacker (login CSRF)', async () => {
    for (const path of ['/auth/login', '/auth/register']) {
      for (const delivery of [{ 'token-delivery': 'cookie' }, {}]) {
        for (const origin of foreignOrigins) {
          for (const type of ['application/json', ...otherContentTypes]) {
            const answer = await app.post(path, JSON.stringify({ email: newEmail(), password: PASSWORD }), {
              origin,
              'content-type': type,
              ...delivery,
            })
            attempts += 1
            expect(answer.status).toBe(403)
            expect(answer.headers.getSetCookie()).toEqual([])
          }
        }
      }
    }
  })

  it('and the pages of the service itself can do all of it', async () => {
    for (const { method, path, slot, ...rest } of changes) {
      await logInVictim()
      const headers = { origin: OWN, 'sec-fetch-site': 'same-origin' }
      const body = 'body' in rest ? { body: rest.body } : {}
      const answer = await victim.send(method, path.replace('SID', sid), { headers, csrf: slot, ...body })
      expect({ path, status: answer.status }).toEqual({ path, status: expect.toBeOneOf([200, 204]) })
      if (path === '/auth/password/change') email = (await app.register()).user.email
    }
    expect(attempts).toBeGreaterThanOrEqual(500)
  })
})

describe('where a request comes from', () => {
  let app: RunningApp
  beforeAll(async () => {
    app = await startApp({ settings: { CORS_ORIGINS: 'https://app.example.test' } })
  })
  afterAll(() => app.close())

  const login = async (headers: Record<string, string>) => {
    const answer = await app.post('/auth/login', { email: 'nobody@example.test', password: 'x' }, headers)
    return ((await answer.json()) as { code: string }).code
  }

  it.each([
    {},
    { origin: OWN },
    { origin: OWN, 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'none' },
    { origin: 'https://app.example.test', 'sec-fetch-site': 'same-site' },
    { origin: 'https://app.example.test', 'sec-fetch-site': 'cross-site' },
    { cookie: 'theme=dark', origin: OWN },
  ])('may be %j', async (headers) => {
    expect(await login(headers)).toBe('invalid_credentials')
  })

  it('may be another name that the service is reached by', async () => {
    const plain = await startApp({ issuer: 'http://localhost:3000' })
    const answer = await plain.post(
      '/auth/login',
      { email: 'nobody@example.test', password: 'x' },
      { origin: plain.url },
    )
    expect(answer.status).toBe(401)
    await plain.close()
  })

  it('does not matter to a program with a bearer token', async () => {
    const { access_token } = await app.register()
    const headers = { authorization: `Bearer ${access_token}`, origin: 'capacitor://localhost' }
    expect((await app.post('/auth/logout', undefined, headers)).status).toBe(204)
  })
})
