import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createKeyRing, createRescind, generateKey } from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { registerWithCookies } from './support/cookie-session.ts'
import { expectProblem } from './support/problems.ts'
import { bearer, type RunningApp, startApp } from './support/start-app.ts'

let app: RunningApp
beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.close())

const verify = (headers: Record<string, string> = {}) => fetch(`${app.url}/auth/verify`, { headers })
const claimsOf = (answer: Response) =>
  JSON.parse(Buffer.from(answer.headers.get('x-auth-claims') ?? '', 'base64url').toString()) as Record<string, unknown>

describe('GET /auth/verify', () => {
  it('says in headers who a bearer is', async () => {
    const { access_token, session_id, user } = await app.register()
    const answer = await verify(bearer(access_token))
    expect(answer.status).toBe(204)
    expect(await answer.text()).toBe('')
    expect(answer.headers.get('x-auth-subject')).toBe(user.id)
    expect(answer.headers.get('x-auth-session')).toBe(session_id)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(claimsOf(answer)).toMatchObject({ sub: user.id, sid: session_id, type: 'access' })
  })

  it('refuses what no guarded route takes', async () => {
    const { access_token, refresh_token } = await app.register()
    const missing = await verify()
    expect(missing.headers.get('www-authenticate')).toBe('Bearer')
    await expectProblem(missing, 'token_missing')
    await expectProblem(await verify(bearer('x.y.z')), 'token_malformed')
    await expectProblem(await verify(bearer(refresh_token)), 'wrong_token_type')
    expect((await app.post('/auth/logout', undefined, bearer(access_token))).status).toBe(204)
    const dead = await verify(bearer(access_token))
    expect(dead.headers.has('x-auth-subject')).toBe(false)
    await expectProblem(dead, 'token_revoked')
  })

  it('takes a cookie, and asks for its CSRF token where the request behind the proxy changes something', async () => {
    const { cookie, csrf, userId } = await registerWithCookies(app)
    const asked = async (more: Record<string, string>) => (await verify({ cookie, ...more })).status
    expect((await verify({ cookie })).headers.get('x-auth-subject')).toBe(userId)
    expect(await asked({ 'x-forwarded-method': 'GET' })).toBe(204)
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      expect(await asked({ 'x-forwarded-method': method })).toBe(403)
      expect(await asked({ 'x-forwarded-method': method, 'x-csrf-token': csrf })).toBe(204)
    }
    expect(await asked({ 'x-forwarded-method': 'GET, POST' })).toBe(400)
    expect(await asked({ 'x-forwarded-method': 'post' })).toBe(400)
  })
})

it('writes into headers only what is safe there, and what can be read back', async () => {
  const auth = createRescind({ store: memoryStore(), keys: createKeyRing({ active: generateKey('EdDSA') }) })
  await auth.ready()
  const other = await startApp({ auth })
  try {
    const hostile = ['auth0|42', 'a\r\nX-Auth-Admin: 1', 'Zoë 漢字 🎉', '100%41', 'a b\tc', 'a,b', '\u007f\u0085\u2028']
    for (const sub of hostile) {
      const { accessToken } = await auth.issue({ sub, claims: { note: `${sub}\r\n` } })
      const answer = await fetch(`${other.url}/auth/verify`, { headers: bearer(accessToken) })
      expect(answer.status).toBe(204)
      expect(answer.headers.has('x-auth-admin')).toBe(false)
      const written = answer.headers.get('x-auth-subject') ?? ''
      expect(written).toMatch(/^[\x21-\x7e]+$/)
      expect(decodeURIComponent(written)).toBe(sub)
      expect(claimsOf(answer)).toMatchObject({ sub, note: `${sub}\r\n` })
    }
    const token = await auth.mint({ sub: 'auth0|42', type: 'access' })
    const stateless = await fetch(`${other.url}/auth/verify`, { headers: bearer(token) })
    expect(stateless.headers.get('x-auth-subject')).toBe('auth0|42')
    expect(stateless.headers.get('x-auth-session')).toBe('')
  } finally {
    await other.close()
    await auth.close()
  }
})

describe('the examples for Caddy and Traefik, as their manuals have it', () => {
  const read = (name: string) => readFileSync(join(import.meta.dirname, '../../../examples/forward-auth', name), 'utf8')
  const patterns = [...read('Caddyfile').matchAll(/^\s+request_header -(\S+)$/gm)].map(
    ([, glob = '']) => new RegExp(`^${glob.replaceAll('*', '.*')}$`, 'i'),
  )
  const regex = new RegExp(/authResponseHeadersRegex: \(\?i\)(\S+)/.exec(read('traefik.yml'))?.[1] ?? '^$', 'i')

  it.each(['X-Auth-Subject', 'x-auth-claims', 'X_Auth_Subject', 'X-Auth_session', 'X_AUTH-CLAIMS', 'X-Auth-Admin'])(
    'drop a client’s %s',
    (name) => {
      expect(patterns.some((pattern) => pattern.test(name))).toBe(true)
      expect(regex.test(name)).toBe(true)
    },
  )

  it('leave what is not theirs', () => {
    for (const name of ['Accept', 'X-Author', 'X-Forwarded-Method', 'Content-Type']) {
      expect(patterns.some((pattern) => pattern.test(name)) || regex.test(name)).toBe(false)
    }
  })
})
