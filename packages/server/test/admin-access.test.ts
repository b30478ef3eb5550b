import { createKeyRing, createRescind, generateKey } from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { createFakeClock } from 'rescind/testing'
import type { RequestErrorCode } from 'rescind/wire'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fixedKeys } from '../src/open-signing-keys.ts'
import { adminOperations } from '../src/openapi/admin.ts'
import { memoryCounters } from '../src/rate-limits/counters.ts'
import { defaultRateLimits } from '../src/rate-limits/settings.ts'
import { createClients } from '../src/services/clients.ts'
import { type AdminApp, startAdminApp } from './support/admin-app.ts'
import { ask } from './support/admins.ts'
import { createBrowser } from './support/browser.ts'
import { contentsOf } from './support/contents.ts'
import { SERVICE_TOKEN } from './support/feed-app.ts'
import { expectProblem } from './support/problems.ts'
import { bearer, ISSUER, type Tokens } from './support/start-app.ts'

const keys = createKeyRing({ active: generateKey('EdDSA') })

let app: AdminApp
let victim: Tokens
beforeAll(async () => {
  app = await startAdminApp({ signing: fixedKeys(keys) })
  victim = await app.register()
})
afterAll(() => app.close())

/** What to send to each route so that an operator's request does something. */
const bodies: Readonly<Record<string, object>> = {
  'POST /admin/revocations': { kind: 'everything', reason: 'a test' },
  'POST /admin/revocations/preview': { kind: 'everything' },
  'POST /admin/keys/:kid/retire': { reason: 'a test' },
}

const routes = adminOperations.map(({ method, path }) => `${method.toUpperCase()} ${path}`)
const isChange = (route: string) => !route.startsWith('GET ')

type Headers = Record<string, string>

/** By what is wrong with it: a credential, and the code that refuses it. */
interface WrongCredential {
  readonly code: RequestErrorCode
  /** Routes where it is wrong. @default all of them */
  readonly of?: (route: string) => boolean
  make(): Promise<Headers>
}

const cookies = async (email: string) => {
  const browser = createBrowser(app)
  expect((await browser.logIn(email)).status).toBe(200)
  const csrf = [...browser.jar].find(([name]) => name.endsWith('csrf_token'))?.[1] ?? ''
  return { cookie: [...browser.jar].map(([name, value]) => `${name}=${value}`).join('; '), 'x-csrf-token': csrf }
}
const pastToken = async (sub: string) => {
  const past = createRescind({ store: memoryStore(), keys, clock: createFakeClock() })
  const { accessToken } = await past.issue({ sub, fresh: true })
  await past.close()
  return accessToken
}
const forged = async (sub: string) => {
  const others = createRescind({ store: memoryStore(), keys: createKeyRing({ active: generateKey('EdDSA') }) })
  const { accessToken } = await others.issue({ sub, fresh: true })
  await others.close()
  return accessToken
}

const wrong: Readonly<Record<string, WrongCredential>> = {
  none: { code: 'token_missing', make: async () => ({}) },
  'no token': { code: 'token_malformed', make: async () => bearer('x') },
  'a token of other keys': {
    code: 'token_invalid',
    make: async () => bearer(await forged((await app.admin()).user.id)),
  },
  'an expired token': { code: 'token_expired', make: async () => bearer(await pastToken((await app.admin()).user.id)) },
  'a revoked token': {
    code: 'token_revoked',
    async make() {
      const { access_token } = await app.admin()
      expect((await app.post('/auth/logout', undefined, bearer(access_token))).status).toBe(204)
      return bearer(access_token)
    },
  },
  'a refresh token': { code: 'wrong_token_type', make: async () => bearer((await app.admin()).refresh_token) },
  'a token that is not fresh': {
    code: 'fresh_token_required',
    async make() {
      const { refresh_token } = await app.admin()
      const answer = await app.post('/auth/refresh', { refresh_token })
      return bearer(((await answer.json()) as Tokens).access_token)
    },
  },
  'a user who is no administrator': {
    code: 'forbidden',
    make: async () => bearer((await app.register()).access_token),
  },
  'an administrator no more': {
    code: 'forbidden',
    async make() {
      const { access_token, user } = await app.admin()
      await app.run(`update users set admin = 0 where id = '${user.id}'`)
      return bearer(access_token)
    },
  },
  'a disabled administrator whose session is not over yet': {
    code: 'token_invalid',
    async make() {
      const { access_token, user } = await app.admin()
      await app.run(`update users set disabled_at_ms = 1 where id = '${user.id}'`)
      return bearer(access_token)
    },
  },
  'an account that is gone': {
    code: 'token_invalid',
    async make() {
      const { access_token, user } = await app.admin()
      await app.run(`delete from users where id = '${user.id}'`)
      return bearer(access_token)
    },
  },
  'a client without the scope': { code: 'forbidden', make: () => clientHeaders(['introspect', 'revocations:read']) },
  'a client whose scope was taken away': {
    code: 'forbidden',
    async make() {
      const { id, authorization } = await app.client(['admin', 'introspect'])
      await app.run(`update clients set scopes = 'introspect' where id = '${id}'`)
      return { authorization }
    },
  },
  "a client's credentials, and an administrator's token after them": {
    code: 'invalid_credentials',
    async make() {
      const { authorization } = await app.client(['admin'])
      return { authorization: `${authorization}, Bearer ${(await app.admin()).access_token}` }
    },
  },
  "the token of no administrator, and a client's credentials after it": {
    code: 'forbidden',
    async make() {
      const { authorization } = await app.client(['admin'])
      return { authorization: `Bearer ${(await app.register()).access_token}, ${authorization}` }
    },
  },
  'a client with a wrong secret': {
    code: 'invalid_credentials',
    async make() {
      const { id } = await app.client(['admin'])
      return { authorization: `Basic ${btoa(`${id}:rescind_secret_x`)}` }
    },
  },
  'a client that is unknown': {
    code: 'invalid_credentials',
    make: async () => ({ authorization: `Basic ${btoa("x' or 1=1 --:x")}` }),
  },
  'a client that was deleted': {
    code: 'invalid_credentials',
    async make() {
      const { id, authorization } = await app.client(['admin'])
      const clock = { now: () => 0, monotonic: () => 0 }
      expect(await createClients({ records: app.database.clients, clock }).delete(id)).toBe('deleted')
      return { authorization }
    },
  },
  'no client': { code: 'invalid_credentials', make: async () => ({ authorization: 'Basic' }) },
  "a client's secret as bearer": {
    code: 'token_malformed',
    async make() {
      const { authorization } = await app.client(['admin'])
      return bearer(atob(authorization.slice(6)).split(':')[1] ?? '')
    },
  },
  'a service token': { code: 'token_malformed', make: async () => bearer(SERVICE_TOKEN) },
  "a client's credentials and a user's cookies": {
    code: 'invalid_request',
    async make() {
      const { authorization } = await app.client(['admin'])
      return { ...(await cookies((await app.register()).user.email)), authorization }
    },
  },
  'cookies of a user who is no administrator': {
    code: 'forbidden',
    make: async () => cookies((await app.register()).user.email),
  },
  'cookies without the CSRF token': {
    code: 'csrf_failed',
    of: isChange,
    async make() {
      const { cookie } = await cookies((await app.admin()).user.email)
      return { cookie }
    },
  },
  "cookies with another session's CSRF token": {
    code: 'csrf_failed',
    of: isChange,
    async make() {
      const other = await cookies((await app.register()).user.email)
      return { ...(await cookies((await app.admin()).user.email)), 'x-csrf-token': other['x-csrf-token'] }
    },
  },
  'cookies sent by a foreign page': {
    code: 'csrf_failed',
    of: isChange,
    make: async () => ({
      ...(await cookies((await app.admin()).user.email)),
      origin: 'https://evil.test',
      'sec-fetch-site': 'cross-site',
    }),
  },
}

async function clientHeaders(scopes: Parameters<AdminApp['client']>[0]): Promise<Headers> {
  const { authorization } = await app.client(scopes)
  return { authorization }
}

async function send(route: string, headers: Headers, query = ''): Promise<Response> {
  const [method = '', path = ''] = route.split(' ')
  const filled = path.replace(':id', victim.user.id).replace(':kid', 'any')
  const body = bodies[route]
  return fetch(`${app.url}${filled}${query}`, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

/** All but the links in the mails of registrations, which are sent some time after the answer. */
function kept(): Record<string, unknown> {
  const { mail_tokens: _links, ...others } = contentsOf(app.settings)
  return others
}

describe('every route of operators (ASVS 8.2.1, 8.2.2, 8.3.2)', () => {
  it.each(Object.entries(wrong))('refuses %s, and changes nothing', async (_name, credential) => {
    const { code, of = () => true, make } = credential
    const headers = await make()
    const before = kept()
    for (const route of routes.filter(of)) {
      const problem = await expectProblem(await send(route, headers), code)
      expect(problem.detail, route).not.toContain(victim.user.id)
    }
    expect(kept()).toEqual(before)
    expect((await app.get('/auth/status', victim.access_token)).status).toBe(200)
  })

  it('takes no token in the URL', async () => {
    const { access_token } = await app.admin()
    for (const name of ['access_token', 'token', 'jwt']) {
      await expectProblem(await send('GET /admin/users', {}, `?${name}=${access_token}`), 'token_missing')
    }
  })

  it('says how to come back: a challenge for each kind of credential', async () => {
    const stale = await send('GET /admin/users', await (wrong['a token that is not fresh']?.make() ?? {}))
    expect(stale.headers.get('www-authenticate')).toMatch(/^Bearer .*error="insufficient_user_authentication"/)
    const client = await send('GET /admin/users', await (wrong['no client']?.make() ?? {}))
    expect(client.headers.get('www-authenticate')).toMatch(/^Basic /)
  })

  it('lets an administrator and a client with the scope pass, by header or by cookie', async () => {
    const { access_token, user } = await app.admin()
    const byCookie = await cookies(user.email)
    const operators = [bearer(access_token), await clientHeaders(['admin']), { ...byCookie, origin: ISSUER }]
    for (const headers of operators) {
      const before = kept()
      for (const route of routes.filter((one) => !isChange(one))) expect((await send(route, headers)).status).toBe(200)
      expect((await send('POST /admin/revocations/preview', headers)).status).toBe(200)
      expect(kept()).toEqual(before)
      expect((await send('POST /admin/users/:id/enable', headers)).status).toBe(204)
    }
    // What only reads needs no CSRF token.
    expect((await send('GET /admin/users', { cookie: byCookie.cookie })).status).toBe(200)
  })

  it('knows no other method', async () => {
    const headers = bearer((await app.admin()).access_token)
    for (const path of new Set(routes.map((route) => route.split(' ')[1] ?? ''))) {
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
        const route = `${method} ${path}`
        if (!routes.includes(route)) await expectProblem(await send(route, headers), 'method_not_allowed')
      }
    }
  })
})

it('has no way to set a password, to make an administrator, or to act as somebody (ASVS 6.4.3, 15.3.3)', async () => {
  expect(routes.filter((route) => /password|impersonat|role|admin\/.*admin/i.test(route))).toEqual([])
  const headers = { ...bearer((await app.admin()).access_token), 'content-type': 'application/json' }
  for (const field of ['admin', 'password', 'email', 'id', 'userId', '__proto__', 'by', 'at', 'actor']) {
    for (const path of ['/admin/users/:id/enable', '/admin/revocations', '/admin/keys/rotate']) {
      const text = `{"kind":"subject","reason":"x","id":"nobody","${field}":true}`
      const answer = await fetch(app.url + path.replace(':id', victim.user.id), { method: 'POST', headers, body: text })
      await expectProblem(answer, 'invalid_request')
    }
  }
  expect((await ask(app, `GET /admin/users/${victim.user.id}`, { headers })).body).toMatchObject({ admin: false })
})

it('answers too many wrong credentials with 429, and good ones all the same', async () => {
  const limits = { ...defaultRateLimits, client: { count: 3, windowMs: 60_000 } }
  const counters = memoryCounters({ clock: createFakeClock() })
  const limited = await startAdminApp({ rateLimits: { settings: limits, counters } })
  try {
    const { access_token } = await limited.admin()
    const statuses: number[] = []
    for (const path of ['users', 'stats', 'audit', 'keys', 'users']) {
      statuses.push((await limited.get(`/admin/${path}`, 'wrong')).status)
    }
    expect(statuses).toEqual([401, 401, 401, 429, 429])
    expect((await limited.get('/admin/users', access_token)).status).toBe(200)
  } finally {
    await limited.close()
  }
})
