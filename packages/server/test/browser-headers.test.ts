import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sendRaw } from './support/raw-http.ts'
import { bearer, PASSWORD, type RunningApp, startApp } from './support/start-app.ts'

const APP = 'https://app.example.test'
const OTHER = 'http://localhost:5173'

describe('CORS', () => {
  let app: RunningApp
  beforeAll(async () => {
    app = await startApp({ settings: { CORS_ORIGINS: `${APP}, ${OTHER}` } })
  })
  afterAll(() => app.close())

  const preflight = (path: string, origin: string, method = 'POST') =>
    fetch(app.url + path, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': method,
        'access-control-request-headers': 'authorization,content-type,x-csrf-token',
      },
    })
  const corsHeaders = (answer: Response) =>
    [...answer.headers.keys()].filter((name) => name.startsWith('access-control'))

  it.each([APP, OTHER])('lets pages of %s in, with credentials', async (origin) => {
    const answer = await preflight('/auth/login', origin)
    expect(answer.status).toBe(204)
    expect(answer.headers.get('access-control-allow-origin')).toBe(origin)
    expect(answer.headers.get('access-control-allow-credentials')).toBe('true')
    expect(answer.headers.get('access-control-allow-headers')).toMatch(/x-csrf-token/i)
    expect(answer.headers.get('vary')).toMatch(/origin/i)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const { access_token } = await app.register()
    for (const path of ['/auth/status', '/auth/sessions', '/nothing', '/auth/login']) {
      const got = await fetch(app.url + path, { headers: { ...bearer(access_token), origin } })
      expect(got.headers.get('access-control-allow-origin')).toBe(origin)
      expect(got.headers.get('vary')).toMatch(/origin/i)
    }
  })

  it.each([
    'https://evil.example',
    'null',
    '*',
    'https://app.example.test.evil.example',
    'https://app.example.test:8443',
    'http://app.example.test',
    'HTTPS://APP.EXAMPLE.TEST',
    `${APP}/`,
    `${APP}, https://evil.example`,
    '',
  ])('says nothing to pages of %j (ASVS 3.4.2)', async (origin) => {
    for (const path of ['/auth/login', '/auth/sessions', '/nothing']) {
      const answer = await preflight(path, origin)
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(corsHeaders(answer)).toEqual([])
    }
    const { user } = await app.register()
    const login = await app.post('/auth/login', { email: user.email, password: PASSWORD }, { origin })
    expect(login.status).toBe(403)
    for (const answer of [login, await fetch(`${app.url}/health/live`, { headers: { origin } })]) {
      expect(corsHeaders(answer)).toEqual([])
      expect(answer.headers.get('vary')).toMatch(/origin/i)
    }
  })

  it('lets programs without an origin be', async () => {
    const answer = await app.get('/health/live')
    expect(answer.status).toBe(200)
    expect(corsHeaders(answer)).toEqual([])
    expect((await fetch(`${app.url}/nothing`, { method: 'OPTIONS' })).status).toBe(404)
    expect((await fetch(`${app.url}/auth/login`, { method: 'OPTIONS' })).status).toBe(405)
  })
})

describe.each(['https://id.example.test', 'http://localhost:3000'])('every answer of %s', (issuer) => {
  let app: RunningApp
  beforeAll(async () => {
    app = await startApp({ issuer })
  })
  afterAll(() => app.close())

  const expectSafe = (headers: Headers | Map<string, string>) => {
    const safe = {
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
      'cache-control': expect.stringMatching(/no-store|^public, max-age=\d+$/),
    }
    expect(Object.fromEntries(headers)).toMatchObject(safe)
    const transport = headers.get('strict-transport-security') ?? null
    if (issuer.startsWith('https:')) expect(transport).toMatch(/^max-age=31536000; ?includeSubDomains$/)
    else expect(transport).toBeNull()
  }

  it.each([
    ['GET', '/health/live'],
    ['GET', '/.well-known/jwks.json'],
    ['GET', '/openapi.json'],
    ['GET', '/docs'],
    ['GET', '/auth/status'],
    ['POST', '/auth/login'],
    ['POST', '/auth/logout'],
    ['PUT', '/auth/login'],
    ['OPTIONS', '/auth/login'],
    ['GET', '/nothing'],
    ['GET', '/%ff'],
    ['DELETE', '/auth/sessions'],
  ])('to %s %s says what browsers may do with it (ASVS 3.4)', async (method, path) => {
    const answer = await fetch(app.url + path, { method })
    expectSafe(answer.headers)
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
  })

  it('says so to what is no request, too', async () => {
    const text = await sendRaw(app.port, 'nonsense\r\n\r\n')
    const lines = (text.split('\r\n\r\n', 1)[0] ?? '').split('\r\n').slice(1)
    expectSafe(
      new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)])),
    )
  })
})
