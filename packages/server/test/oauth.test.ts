import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKeyRing, createRescind, generateKey } from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { createFakeClock } from 'rescind/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { basic, createClient, type TestClient } from './support/command-line.ts'
import { sendRaw } from './support/raw-http.ts'
import { bearer, ISSUER, type RunningApp, startApp, type Tokens } from './support/start-app.ts'

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const clock = createFakeClock(Date.now())

let app: RunningApp
let directory: string
let client: TestClient
let reader: TestClient
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'rescind-oauth-'))
  app = await startApp({ settings: { DATA_DIR: directory }, clock })
  client = await createClient({ DATA_DIR: directory }, ['introspect'])
  reader = await createClient({ DATA_DIR: directory }, ['revocations:read'])
})
afterAll(async () => {
  await app.close()
  rmSync(directory, { recursive: true, force: true })
})

const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString()
const post = (path: string, fields: Record<string, string> | string, headers: Record<string, string> = {}) =>
  app.post(path, typeof fields === 'string' ? fields : form(fields), { ...FORM, ...headers })

async function introspect(token: string, hint?: string): Promise<Record<string, unknown>> {
  const fields = { token, ...(hint === undefined ? {} : { token_type_hint: hint }) }
  const answer = await post('/oauth/introspect', fields, basic(client))
  expect(answer.status).toBe(200)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  return (await answer.json()) as Record<string, unknown>
}

async function expectOAuthError(answer: Response, status: number, error: string): Promise<void> {
  const text = await answer.text()
  expect({ status: answer.status, text }).toMatchObject({ status })
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(JSON.parse(text)).toEqual({ error, error_description: expect.stringMatching(/\S/) })
  if (status === 401) expect(answer.headers.get('www-authenticate')).toMatch(/^Basic realm="/)
}

const isAlive = async ({ access_token }: Tokens) => (await app.get('/auth/status', access_token)).status === 200
const refresh = (token: string) => app.post('/auth/refresh', { refresh_token: token })

describe('POST /oauth/introspect', () => {
  it('tells what a good access token says', async () => {
    const { access_token, session_id, user } = await app.register()
    const seconds = Math.floor(clock.now() / 1000)
    const told = await introspect(access_token)
    expect(told).toEqual({
      active: true,
      token_type: 'Bearer',
      sub: user.id,
      username: user.email,
      sid: session_id,
      jti: expect.any(String),
      iat: seconds,
      nbf: seconds,
      auth_time: seconds,
      exp: seconds + 900,
    })
    expect(await introspect(access_token, 'access_token')).toEqual(told)
    expect(await introspect(access_token, 'refresh_token')).toEqual(told)
    expect(await introspect(access_token, 'something')).toEqual(told)
  })

  it('says no more than that of any other', async () => {
    const one = await app.register()
    const two = await app.register()
    const tampered = `${one.access_token.slice(0, -4)}AAAA`
    for (const garbage of ['x', 'x.y.z', tampered, `${one.access_token}=`, ` ${one.access_token}`, 'a'.repeat(9000)]) {
      expect(await introspect(garbage)).toEqual({ active: false })
    }
    expect((await app.post('/auth/logout', undefined, bearer(one.access_token))).status).toBe(204)
    expect(await introspect(one.access_token)).toEqual({ active: false })
    clock.advance(900_000)
    expect(await introspect(two.access_token)).toEqual({ active: false })
  })

  it('tells of refresh tokens only where they are asked for, and only of the one that is of use', async () => {
    const { refresh_token, user } = await app.register()
    expect(await introspect(refresh_token)).toEqual({ active: false })
    expect(await introspect(refresh_token, 'access_token')).toEqual({ active: false })
    const told = await introspect(refresh_token, 'refresh_token')
    expect(told).toMatchObject({ active: true, token_type: 'refresh_token', sub: user.id })
    clock.advance(1)
    const next = (await (await refresh(refresh_token)).json()) as Tokens
    expect(await introspect(refresh_token, 'refresh_token')).toEqual({ active: false })
    expect(await introspect(next.refresh_token, 'refresh_token')).toMatchObject({ active: true })
  })

  it('is for clients with the scope alone', async () => {
    const { access_token: token } = await app.register()
    const ask = (headers: Record<string, string> = {}, fields: Record<string, string> = {}) =>
      post('/oauth/introspect', { token, ...fields }, headers)
    await expectOAuthError(await ask(), 401, 'invalid_client')
    await expectOAuthError(await ask(bearer(token)), 401, 'invalid_client')
    await expectOAuthError(await ask({}, { client_id: client.id }), 401, 'invalid_client')
    await expectOAuthError(await ask({}, { client_id: client.id, client_secret: 'wrong' }), 401, 'invalid_client')
    await expectOAuthError(await ask({}, { client_secret: client.secret }), 401, 'invalid_client')
    await expectOAuthError(await ask(basic(reader)), 403, 'insufficient_scope')
    const wrong = [
      { ...client, secret: client.secret.slice(0, -1) },
      { ...client, secret: reader.secret },
      { id: client.id.toUpperCase(), secret: client.secret },
      { id: '__proto__', secret: '' },
      { id: `${client.id}' OR '1'='1`, secret: client.secret },
      { id: 'x\u0000', secret: 'y' },
    ]
    for (const credentials of wrong) await expectOAuthError(await ask(basic(credentials)), 401, 'invalid_client')
    for (const authorization of ['Basic', 'Basic !', 'Basic eA==', 'Basic JTo=', `Basic ${'A'.repeat(5000)}`]) {
      await expectOAuthError(await ask({ authorization }), 401, 'invalid_client')
    }
    expect((await ask(basic(client))).status).toBe(200)
    expect((await ask({}, { client_id: client.id, client_secret: client.secret })).status).toBe(200)
    const both = { client_id: client.id, client_secret: client.secret }
    await expectOAuthError(await ask(basic(client), both), 400, 'invalid_request')
    await expectOAuthError(await ask(basic(client), { client_id: reader.id }), 400, 'invalid_request')
    const two = [basic(client), basic(reader)]
      .map(({ authorization }) => `Authorization: ${authorization}`)
      .join('\r\n')
    const request = `POST /oauth/introspect HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: ${FORM['content-type']}\r\nContent-Length: 7\r\n${two}\r\n\r\ntoken=x`
    expect(await sendRaw(app.port, request)).toMatch(/^HTTP\/1\.1 401 /)
  })

  it('takes forms and nothing else', async () => {
    const ask = (body: string, headers = {}) => post('/oauth/introspect', body, { ...basic(client), ...headers })
    await expectOAuthError(await ask('{"token":"x"}', { 'content-type': 'application/json' }), 415, 'invalid_request')
    await expectOAuthError(await ask(''), 400, 'invalid_request')
    await expectOAuthError(await ask('token='), 400, 'invalid_request')
    await expectOAuthError(await ask('token=a&token=b'), 400, 'invalid_request')
    await expectOAuthError(await ask('token=a&x=1&x=1'), 400, 'invalid_request')
    await expectOAuthError(
      await ask(`token=a${'&'.repeat(3)}${Array.from({ length: 16 }, (_, at) => `&f${at}=1`).join('')}`),
      400,
      'invalid_request',
    )
    await expectOAuthError(await ask(`token=${'x'.repeat(20_000)}`), 413, 'invalid_request')
    expect((await ask('token=a&__proto__=1&constructor=2&%00=3&unknown=%zz')).status).toBe(200)
    expect((await app.post('/oauth/introspect?token=x', undefined, basic(client))).status).toBe(400)
    expect((await app.get('/oauth/introspect')).status).toBe(405)
  })
})

describe('POST /oauth/revoke', () => {
  it('takes its session with a refresh token, for anyone who holds it', async () => {
    const tokens = await app.register()
    const answer = await post('/oauth/revoke', { token: tokens.refresh_token })
    expect([answer.status, await answer.text()]).toEqual([200, ''])
    expect(await isAlive(tokens)).toBe(false)
    expect((await refresh(tokens.refresh_token)).status).toBe(401)
    expect((await post('/oauth/revoke', { token: tokens.refresh_token })).status).toBe(200)
  })

  it('takes an access token alone', async () => {
    const tokens = await app.register()
    const answer = await post('/oauth/revoke', { token: tokens.access_token, token_type_hint: 'refresh_token' })
    expect(answer.status).toBe(200)
    expect(await isAlive(tokens)).toBe(false)
    const next = await refresh(tokens.refresh_token)
    expect(next.status).toBe(200)
    expect(await isAlive((await next.json()) as Tokens)).toBe(true)
  })

  it('has nothing to say of a token that is none', async () => {
    const tokens = await app.register()
    for (const token of ['x', 'x.y.z', `${tokens.refresh_token.slice(0, -4)}AAAA`]) {
      expect((await post('/oauth/revoke', { token, token_type_hint: 'saml' })).status).toBe(200)
    }
    expect(await isAlive(tokens)).toBe(true)
  })

  it('believes credentials where they are shown, and refuses wrong ones', async () => {
    const tokens = await app.register()
    const { refresh_token: token } = tokens
    const wrong = await post('/oauth/revoke', { token }, basic({ ...client, secret: 'x' }))
    await expectOAuthError(wrong, 401, 'invalid_client')
    await expectOAuthError(await post('/oauth/revoke', {}), 400, 'invalid_request')
    expect(await isAlive(tokens)).toBe(true)
    expect((await post('/oauth/revoke', { token, client_id: 'a-public-app' })).status).toBe(200)
    expect(await isAlive(tokens)).toBe(false)
    expect((await post('/oauth/revoke', { token }, basic(reader))).status).toBe(200)
  })
})

it('says that it cannot say, rather than that a token is good, while nobody knows what is revoked', async () => {
  // One that was never told to read the ledger.
  const auth = createRescind({ store: memoryStore(), keys: createKeyRing({ active: generateKey('EdDSA') }) })
  const down = await startApp({ settings: { DATA_DIR: directory }, auth })
  try {
    const token = await auth.mint({ sub: 'alice', type: 'access' })
    for (const [path, headers] of [
      ['/oauth/introspect', basic(client)],
      ['/oauth/revoke', {}],
    ] as const) {
      const answer = await down.post(path, form({ token }), { ...FORM, ...headers })
      expect(answer.headers.get('retry-after')).toBe('1')
      await expectOAuthError(answer, 503, 'temporarily_unavailable')
    }
  } finally {
    await down.close()
    await auth.close()
  }
})

describe('discovery', () => {
  it('describes what is there (RFC 8414)', async () => {
    const answer = await app.get('/.well-known/oauth-authorization-server')
    expect(answer.headers.get('cache-control')).toBe('public, max-age=300')
    const metadata = (await answer.json()) as Record<string, unknown>
    expect(metadata).toMatchObject({ issuer: ISSUER, response_types_supported: [], grant_types_supported: [] })
    for (const name of ['jwks_uri', 'introspection_endpoint', 'revocation_endpoint']) {
      const url = new URL(String(metadata[name]))
      expect(url.origin).toBe(ISSUER)
      expect((await app.get(url.pathname)).status).not.toBe(404)
    }
  })

  it.each(['/.well-known/jwks.json', '/.well-known/oauth-authorization-server'])('%s is sent once', async (path) => {
    const first = await app.get(path)
    const etag = first.headers.get('etag') ?? ''
    expect(etag).toMatch(/^"[\w-]{43}"$/)
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await fetch(app.url + path, { headers: { 'if-none-match': known } })
      expect([again.status, await again.text()]).toEqual([304, ''])
      expect(again.headers.get('etag')).toBe(etag)
      expect(again.headers.get('cache-control')).toBe('public, max-age=300')
    }
    expect((await fetch(app.url + path, { headers: { 'if-none-match': '"other"' } })).status).toBe(200)
  })
})
