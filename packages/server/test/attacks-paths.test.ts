import { afterAll, beforeAll, expect, it } from 'vitest'
import { operations } from '../src/openapi/operations.ts'
import { contentsOf } from './support/contents.ts'
import { type DocumentedApp, documentedApp } from './support/documented-app.ts'
import { SERVICE_TOKEN } from './support/feed-app.ts'
import { expectHarmless } from './support/leaks.ts'
import { sendRaw } from './support/raw-http.ts'
import { bearer, type Tokens } from './support/start-app.ts'

let app: DocumentedApp
let person: Tokens
beforeAll(async () => {
  app = await documentedApp()
  person = await app.register()
})
afterAll(() => app.close())

const paths = [...new Set(operations.map(({ path }) => path))]

const TARGETS = [
  '//evil.test',
  '///evil.test',
  '////evil.test/..',
  '/\\evil.test',
  '\\\\evil.test',
  '/\\/evil.test',
  'https:evil.test',
  'https:/evil.test',
  'https://evil.test',
  'HTTPS://EVIL.TEST',
  'http://evil.test%2f@app.example.test',
  'https://app.example.test@evil.test',
  'https://app.example.test.evil.test',
  'https://evil.test#app.example.test',
  'https://evil.test?app.example.test',
  '/%09/evil.test',
  '/%5cevil.test',
  '/%2f%2fevil.test',
  '//evil%E3%80%82test',
  'javascript:alert(1)',
  'data:text/html,x',
  '/.evil.test',
  '@evil.test',
  '//[::ffff:203.0.113.7]',
  '/%0d%0aLocation:%20https://evil.test',
]
const NAMES = ['next', 'return_to', 'redirect_uri', 'url', 'continue']

it('sends nobody anywhere (A30)', async () => {
  const queries = TARGETS.flatMap((target) => NAMES.map((name) => `${name}=${target}`))
  expect(queries.length).toBeGreaterThanOrEqual(100)
  for (const path of ['/auth/status', '/auth/verify', '/docs', '/nowhere', '/health/live']) {
    for (const query of queries) {
      const answer = await fetch(`${app.url}${path}?${query}`, {
        redirect: 'manual',
        headers: bearer(person.access_token),
      })
      // All of it, so that no connection is left waiting to be read when the service closes.
      await answer.arrayBuffer()
      expect(answer.headers.get('location'), query).toBeNull()
      expect([200, 204, 404]).toContain(answer.status)
    }
  }
  for (const target of TARGETS) {
    for (const line of [`GET ${target} HTTP/1.1`, `GET /${target}/.. HTTP/1.1`, `GET /docs/${target} HTTP/1.1`]) {
      const raw = `${line}\r\nHost: evil.test\r\nX-Forwarded-Host: evil.test\r\nX-Original-URL: ${target}\r\nConnection: close\r\n\r\n`
      const answer = await sendRaw(app.port, raw)
      expect(answer).toMatch(/^HTTP\/1.1 (4\d\d|200) /)
      expect(answer).not.toMatch(/^location:/im)
      expect(answer).not.toContain('https://evil.test')
    }
  }
})

it('changes nothing by GET, HEAD or OPTIONS (ASVS 3.5.3)', async () => {
  const contents = () => contentsOf({ DATA_DIR: app.dataDir })
  const before = contents()
  for (const path of paths) {
    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      for (const token of [person.access_token, person.refresh_token, SERVICE_TOKEN]) {
        const url = `${app.url}${path.replace(':id', person.session_id)}?until=current&_method=DELETE&email=a@example.test&token=x`
        const headers = { ...bearer(token), 'x-http-method-override': 'DELETE', 'x-method-override': 'POST' }
        const answer = await fetch(url, { method, headers })
        await answer.arrayBuffer()
      }
    }
  }
  expect(contents()).toEqual(before)
  expect((await app.get('/auth/status', person.access_token)).status).toBe(200)
  expect((await app.post('/auth/refresh', { refresh_token: person.refresh_token })).status).toBe(200)
})

it('finds no way around a guard by another spelling', async () => {
  const tricks = (path: string) => [
    path.replaceAll('/', '//'),
    `${path}/`,
    `${path}/.`,
    `${path}/..;/`,
    `/.${path}`,
    `/x/..${path}`,
    `${path}%2f`,
    `${path}%00`,
    `${path}%20`,
    `${path};x=y`,
    `${path}.json`,
    `${path}#`,
    `${path}\\`,
    path.toUpperCase(),
    path.replaceAll('/', '%2f'),
    path.replaceAll('/', '\\'),
    path.replace('auth', '%61uth'),
    path.replace('auth', '%2561uth'),
    path.replace('auth', 'ａuth'),
  ]
  const guarded = operations.filter(({ auth, method }) => auth.length > 0 && method === 'get')
  expect(guarded.length).toBeGreaterThan(3)
  for (const { path } of guarded) {
    for (const trick of tricks(path)) {
      const target = Buffer.from(trick).toString('latin1')
      const answer = await sendRaw(app.port, `GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
      expect(answer, trick).toMatch(/^HTTP\/1.1 4\d\d /)
    }
  }
})

it('tells nothing of its inside, whatever it is asked', async () => {
  for (const path of [...paths, '/nowhere', '/%', '/..%2f..%2fetc/passwd', '/.env', '/.git/config', '/package.json']) {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY']) {
      if (method === 'TRACE') continue
      const answer = await fetch(`${app.url}${path}?until=current`, {
        method,
        headers: bearer(SERVICE_TOKEN),
        ...(method === 'POST' ? { body: '{"a":' } : {}),
      })
      if (path === '/docs' || path === '/openapi.json') await answer.arrayBuffer()
      else await expectHarmless(answer, `${method} ${path}`)
    }
  }
  const trace = await sendRaw(
    app.port,
    'TRACE /auth/status HTTP/1.1\r\nHost: x\r\nX-Canary: 7f3a\r\nConnection: close\r\n\r\n',
  )
  expect(trace).toMatch(/^HTTP\/1.1 40[45] /)
  expect(trace).not.toContain('7f3a')
})
