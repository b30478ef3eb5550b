import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from 'rescind'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../src/config.ts'
import { memoryCounters } from '../src/rate-limits/counters.ts'
import { securityEventNames } from '../src/security-events.ts'
import { type DocumentedApp, documentedApp } from './support/documented-app.ts'
import { bearer, newEmail, PASSWORD, startApp, type Tokens } from './support/start-app.ts'

interface Event {
  readonly event: string
  readonly level: number
  readonly time: number
  readonly reqId: string
  readonly ip: string
  readonly userId?: string
  readonly sessionId?: string
  readonly clientId?: string
  readonly code?: string
}

const OTHER_PASSWORD = 'walnut-gravel-7-Parasol'
const INFO = 30
const WARN = 40

let app: DocumentedApp
const lines: string[] = []
const emitted = new Set<string>()
beforeAll(async () => {
  app = await documentedApp({ log: { level: 'info', stream: { write: (line) => lines.push(line) } } })
})
afterAll(() => app.close())

/** The events of one request: the log names requests by the id that the answer has. */
function eventsOf(answer: Response): Event[] {
  const id = answer.headers.get('x-request-id')
  expect(id).toMatch(/^[\da-f-]{36}$/)
  const own = lines.map((line) => JSON.parse(line) as Event).filter(({ reqId }) => reqId === id)
  // What came in, what was answered, and the event between them.
  expect(own.length).toBeGreaterThanOrEqual(2)
  return own.filter(({ event }) => event !== undefined)
}

/** Expects exactly one event of this name. */
function expectEvent(answer: Response, name: string, expected: Partial<Event> = {}): void {
  const events = eventsOf(answer)
  expect(events).toEqual([expect.objectContaining({ event: name, ip: '127.0.0.1', ...expected })])
  expect(events[0]?.time).toBeGreaterThan(1.7e12)
  emitted.add(name)
}

const post = (path: string, body: object, token?: string) =>
  app.post(path, body, token === undefined ? {} : bearer(token))
const remove = (path: string, token: string) => fetch(app.url + path, { method: 'DELETE', headers: bearer(token) })
const logIn = async (email: string) =>
  (await (await post('/auth/login', { email, password: PASSWORD })).json()) as Tokens

describe('one line of the log tells of', () => {
  it('a registration, a login and a failed one, with the user where there is one', async () => {
    const email = newEmail()
    const registered = await post('/auth/register', { email, password: PASSWORD })
    const { user } = (await registered.json()) as Tokens
    expectEvent(registered, 'account.registered', { userId: user.id, level: INFO })
    expectEvent(await post('/auth/login', { email, password: PASSWORD }), 'login.succeeded', { userId: user.id })
    const failed = { level: WARN, code: 'invalid_credentials' }
    expectEvent(await post('/auth/login', { email, password: 'x' }), 'login.failed', { userId: user.id, ...failed })
    const unknown = await post('/auth/login', { email: newEmail(), password: 'x' })
    expectEvent(unknown, 'login.failed', failed)
    expect(eventsOf(unknown)[0]).not.toHaveProperty('userId')
  })

  it('each change of a session', async () => {
    const { user, access_token: token, refresh_token, session_id: sessionId } = await app.register()
    const userId = user.id
    const again = (password: string) => post('/auth/reauthenticate', { password }, token)
    expectEvent(await again('x'), 'reauthentication.failed', { userId, sessionId })
    expectEvent(await again(PASSWORD), 'reauthentication.succeeded', { userId, sessionId })
    const second = await post('/auth/refresh', { refresh_token })
    expectEvent(second, 'refresh.succeeded', { userId })
    const { refresh_token: third } = (await second.json()) as Tokens
    await post('/auth/refresh', { refresh_token: third })
    const reused = await post('/auth/refresh', { refresh_token })
    expectEvent(reused, 'refresh.reused', { userId, level: WARN, code: 'refresh_token_reused' })
    expectEvent(await post('/auth/refresh', { refresh_token: 'x' }), 'refresh.failed', { code: 'token_malformed' })

    const one = await logIn(user.email)
    const two = await logIn(user.email)
    expectEvent(await remove(`/auth/sessions/${one.session_id}`, two.access_token), 'session.ended', { userId })
    expectEvent(await remove('/auth/sessions?except=current', two.access_token), 'sessions.ended', { userId })
    const out = await app.post('/auth/logout', undefined, bearer(two.access_token))
    expectEvent(out, 'logout', { userId, sessionId: two.session_id })
  })

  it('each change of an account', async () => {
    const { user, access_token } = await app.register()
    const verified = await post('/auth/email/verify', { token: await app.secretFor(user.email) })
    expectEvent(verified, 'email.verified', { userId: user.id })
    expectEvent(await post('/auth/email/verify', { token: 'x' }), 'email.verification_failed', { level: WARN })
    const change = (email: string, password: string) => post('/auth/email/change', { email, password }, access_token)
    expectEvent(await change(newEmail(), 'x'), 'email.change_failed', { userId: user.id })
    expectEvent(await change(newEmail(), PASSWORD), 'email.change_asked', { userId: user.id })
    const changed = (current_password: string) =>
      post('/auth/password/change', { current_password, new_password: OTHER_PASSWORD }, access_token)
    expectEvent(await changed('x'), 'password.change_failed', { userId: user.id })
    expectEvent(await changed(PASSWORD), 'password.changed', { userId: user.id })

    const forgetful = await app.register()
    expectEvent(await post('/auth/password/forgot', { email: forgetful.user.email }), 'password.reset_asked')
    const token = await app.secretFor(forgetful.user.email, 2)
    const reset = (secret: string) => post('/auth/password/reset', { token: secret, new_password: OTHER_PASSWORD })
    expectEvent(await reset('x'), 'password.reset_failed', { level: WARN })
    expectEvent(await reset(token), 'password.reset', { userId: forgetful.user.id })
  })

  it('every refusal of what a token is needed for', async () => {
    const { user, access_token, refresh_token } = await app.register()
    const get = (path: string, headers: Record<string, string> = {}) => fetch(app.url + path, { headers })
    expectEvent(await get('/auth/status'), 'access.denied', { code: 'token_missing', level: INFO })
    const forged = bearer(`${access_token.slice(0, -6)}AAAAAA`)
    expectEvent(await get('/auth/status', forged), 'access.denied', { code: 'token_invalid', level: WARN })
    const wrongType = await get('/auth/sessions', bearer(refresh_token))
    expectEvent(wrongType, 'access.denied', { code: 'wrong_token_type' })
    const foreign = { origin: 'https://evil.example', 'content-type': 'application/json' }
    const crossSite = await fetch(`${app.url}/auth/login`, { method: 'POST', headers: foreign, body: '{}' })
    expectEvent(crossSite, 'access.denied', { code: 'csrf_failed' })
    const revoked = await fetch(`${app.url}/oauth/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ token: access_token }),
    })
    expectEvent(revoked, 'token.revocation_asked')
    expectEvent(await get('/auth/status', bearer(access_token)), 'access.denied', { code: 'token_revoked' })
    const introspection = await fetch(`${app.url}/oauth/introspect`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa('client_x:wrong')}` },
      body: new URLSearchParams({ token: access_token }),
    })
    expectEvent(introspection, 'access.denied', { code: 'invalid_client' })

    const plain = await logIn(user.email)
    expectEvent(await get('/admin/users', bearer(plain.access_token)), 'admin.denied', {
      code: 'forbidden',
      level: WARN,
    })
    const act = await fetch(`${app.url}/admin/users/${user.id}/disable`, {
      method: 'POST',
      headers: { authorization: app.clientAuthorization, 'content-type': 'application/json' },
      body: JSON.stringify({ reason: 'asked for' }),
    })
    expect(act.status).toBeLessThan(300)
    expectEvent(act, 'admin.acted', { clientId: app.clientId })
    expect(eventsOf(act)[0]).not.toHaveProperty('userId')
  })

  it('nothing that is not about who may do what', async () => {
    const { access_token } = await app.register()
    for (const answer of [
      await fetch(`${app.url}/health/ready`),
      await fetch(`${app.url}/nothing`),
      await fetch(`${app.url}/auth/status`, { headers: bearer(access_token) }),
      await post('/auth/login', { email: 'nobody' }),
      await fetch(`${app.url}/admin/revocations/preview`, {
        method: 'POST',
        headers: { authorization: app.clientAuthorization, 'content-type': 'application/json' },
        body: JSON.stringify({ kind: 'everything' }),
      }),
    ]) {
      expect(eventsOf(answer)).toEqual([])
    }
  })
})

it('every event is in the table of the guide, and the table has no other (ASVS 16.1.1)', () => {
  const guide = readFileSync(join(import.meta.dirname, '../../../docs/guide/operations.md'), 'utf8')
  const table = [...guide.matchAll(/^\| `([a-z]+(?:[._][a-z_]+)*)` +\| (?:info|warn)/gm)].map(([, name = '']) => name)
  expect(table.toSorted()).toEqual([...securityEventNames].sort())
})

it('every event has been seen here, but for the one of the rate limits', () => {
  expect(securityEventNames.filter((name) => !emitted.has(name))).toEqual(['request.rate_limited'])
})

it('no address and no password is in any line', async () => {
  const log = lines.join('')
  expect(log).not.toMatch(/@example\.test|person-\d/)
  expect(log).not.toContain(PASSWORD)
  expect(log).not.toContain(OTHER_PASSWORD)
  expect(log).not.toMatch(/eyJ/)
})

it('a request that is one too many is told of', async () => {
  const { rateLimits: settings } = readConfig({ RATE_LIMIT_LOGIN: '1/1m' })
  if (settings === null) throw new Error('no limits')
  const own: string[] = []
  const limited = await startApp({
    rateLimits: { settings, counters: memoryCounters({ clock: systemClock }) },
    log: { level: 'info', stream: { write: (line) => own.push(line) } },
  })
  try {
    const guess = () => limited.post('/auth/login', { email: newEmail(), password: 'x' })
    await guess()
    expect((await guess()).status).toBe(429)
    const events = own.map((line) => JSON.parse(line) as Event).filter(({ event }) => event !== undefined)
    expect(events.map(({ event }) => event)).toEqual(['login.failed', 'request.rate_limited'])
  } finally {
    await limited.close()
  }
})
