import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectProblem } from './support/problems.ts'
import { sendRaw } from './support/raw-http.ts'
import { type RunningApp, startApp } from './support/start-app.ts'

let app: RunningApp
beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.close())

const json = { 'content-type': 'application/json' }

describe('a body', () => {
  it.each([
    '{',
    '{"email":',
    'nonsense',
    '\ufeff{',
    '{"email":"a@b.test",}',
    '[]',
    '[{"email":"a@b.test"}]',
    'null',
    '"text"',
    '7',
    'true',
    '',
    ' ',
    '{"__proto__":{"admin":true},"email":"a@b.test","password":"x"}',
    '{"constructor":{"prototype":{"admin":true}}}',
    '{"email":{"__proto__":1},"password":"x"}',
    '[['.repeat(15_000),
    `{"${'k'.repeat(60_000)}":1}`,
  ])('that is %j is invalid', async (body) => {
    for (const path of ['/auth/register', '/auth/login']) {
      await expectProblem(await app.post(path, body, json), 'invalid_request')
    }
  })

  it('of many unknown fields gets a short answer', async () => {
    const body = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`field-${index}`, index]))
    const problem = await expectProblem(await app.post('/auth/login', body), 'invalid_request')
    expect(problem.errors?.length).toBeLessThan(50)
  })

  it('in bytes that are not UTF-8 is invalid', async () => {
    const body = Buffer.from('{"email":"a@b.test","password":"\xff\xfe"}', 'latin1')
    const answer = await fetch(`${app.url}/auth/login`, { method: 'POST', headers: json, body })
    await expectProblem(answer, 'invalid_request')
  })

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'x',
    'application/jsonx',
  ])('of type %s is not supported', async (type) => {
    await expectProblem(await app.post('/auth/login', '{}', { 'content-type': type }), 'unsupported_media_type')
  })

  it('may name its charset', async () => {
    const headers = { 'content-type': 'application/json; charset=utf-8' }
    await expectProblem(
      await app.post('/auth/login', { email: 'a@b.test', password: 'x' }, headers),
      'invalid_credentials',
    )
  })

  it('over 64 KiB is too large, announced or not', async () => {
    await expectProblem(await app.post('/auth/login', `{"email":"${'a'.repeat(65_536)}"}`), 'payload_too_large')
    const chunk = `${'a'.repeat(70_000)}`
    const head =
      'POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n'
    const answer = await sendRaw(
      app.port,
      `${head}Connection: close\r\n\r\n${chunk.length.toString(16)}\r\n${chunk}\r\n0\r\n\r\n`,
    )
    expect(answer).toMatch(/^HTTP\/1.1 413 /)
    expect(answer).toContain('"payload_too_large"')
  })
})

describe('a path', () => {
  it.each([
    '/',
    '/nowhere',
    '/auth',
    '/auth/login/',
    '/auth/login/more',
    '/AUTH/LOGIN',
    '/admin',
    '/.env',
    '/%2e%2e/etc',
  ])('%s that does not exist is not found, whatever the method and body', async (path) => {
    await expectProblem(await fetch(app.url + path), 'not_found')
    await expectProblem(await app.post(path, 'text', { 'content-type': 'text/plain' }), 'not_found')
  })

  it.each([
    ['/auth/register', 'POST'],
    ['/auth/login', 'POST'],
    ['/auth/refresh', 'POST'],
    ['/auth/logout', 'POST'],
    ['/auth/status', 'GET, HEAD'],
    ['/.well-known/jwks.json', 'GET, HEAD'],
    ['/health/live', 'GET, HEAD'],
    ['/health/ready', 'GET, HEAD'],
  ])('%s takes %s', async (path, allow) => {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter((name) => !allow.includes(name))) {
      const answer = await fetch(app.url + path, { method, ...(method === 'PUT' ? { body: 'text' } : {}) })
      expect(answer.headers.get('allow')).toBe(allow)
      await expectProblem(answer, 'method_not_allowed')
    }
  })

  it('answers HEAD like GET without a body', async () => {
    for (const [path, status] of [
      ['/health/live', 200],
      ['/auth/status', 401],
      ['/auth/login', 405],
      ['/nowhere', 404],
    ] as const) {
      const answer = await fetch(app.url + path, { method: 'HEAD' })
      expect({ path, status: answer.status, body: await answer.text() }).toEqual({ path, status, body: '' })
    }
  })

  it.each([
    '/%',
    '/auth/%zz',
    '/auth/login%c3',
    '/%ff%fe',
    '//',
    '/auth//login',
    '/auth/login?%',
    '/auth/login?a=%zz&__proto__=1',
  ])('written as %s is answered with a problem', async (path) => {
    const answer = await sendRaw(app.port, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1.1 4\d\d /)
    expect(answer).toMatch(/content-type: application\/problem\+json/i)
    expect(answer).toMatch(/x-content-type-options: nosniff/i)
    expect(answer).toMatch(/strict-transport-security: max-age=31536000/i)
  })
})

describe('bytes that are no HTTP', () => {
  it.each([
    ['nonsense\r\n\r\n', 400],
    ['GET / HTTP/9.9\r\nHost: x\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n', 400],
    ['POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
    ['POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n', 400],
    [`GET / HTTP/1.1\r\nHost: x\r\nBig: ${'b'.repeat(20_000)}\r\n\r\n`, 431],
  ])('%j are answered with a problem', async (bytes, status) => {
    const answer = await sendRaw(app.port, bytes)
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    const [head = '', body = ''] = answer.split('\r\n\r\n')
    expect(head).toMatch(/content-type: application\/problem\+json/i)
    expect(head).toMatch(/x-content-type-options: nosniff/i)
    expect(JSON.parse(body)).toMatchObject({ code: 'invalid_request', status })
  })

  it('leave the service in service', async () => {
    expect((await app.get('/health/live')).status).toBe(200)
  })
})

it.each([
  'Bearer',
  'Bearer ',
  'Basic YTpi',
  'Bearer a b',
  'Bearer a.b.c',
  `Bearer ${'a'.repeat(9000)}`,
  'é',
  'Bearer \u00ff',
])('refuses Authorization: %j with 401', async (authorization) => {
  for (const [path, method] of [
    ['/auth/status', 'GET'],
    ['/auth/logout', 'POST'],
    ['/auth/refresh', 'POST'],
  ] as const) {
    const answer = await fetch(app.url + path, { method, headers: { authorization } })
    expect(answer.status).toBe(401)
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
  }
})

it('sends the headers of a careful service with every answer', async () => {
  for (const path of ['/health/live', '/auth/status', '/nowhere']) {
    const { headers } = await app.get(path)
    expect(headers.get('strict-transport-security')).toMatch(/^max-age=31536000/)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'/)
    expect(headers.get('x-powered-by')).toBeNull()
  }
})

it('publishes its public keys for a while', async () => {
  const answer = await app.get('/.well-known/jwks.json')
  expect(answer.headers.get('cache-control')).toBe('public, max-age=300')
  const { keys } = (await answer.json()) as { keys: Record<string, unknown>[] }
  expect(keys).toEqual([expect.objectContaining({ kty: 'OKP', alg: 'EdDSA', kid: expect.any(String) })])
  expect(keys[0]).not.toHaveProperty('d')
})

it('says that it lives and is ready', async () => {
  expect((await app.get('/health/live')).status).toBe(200)
  expect((await app.get('/health/ready')).status).toBe(200)
})
