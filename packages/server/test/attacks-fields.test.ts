import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Operation } from '../src/openapi/operation.ts'
import { operations } from '../src/openapi/operations.ts'
import { backendsUnderTest } from './support/backends.ts'
import { type DocumentedApp, documentedApp } from './support/documented-app.ts'
import { expectHarmless } from './support/leaks.ts'
import { callOf, jsonOperations, send } from './support/operation-calls.ts'
import { expectProblem } from './support/problems.ts'
import { bearer, PASSWORD, type Tokens } from './support/start-app.ts'

const SQL = [
  "' OR '1'='1",
  "' OR 1=1 --",
  "'; DROP TABLE users; --",
  "x'); DELETE FROM users; --",
  "' UNION SELECT id, email, password_hash FROM users --",
  '" OR ""="',
  "admin'/*",
  "'; SELECT pg_sleep(5); --",
  "' AND 1=randomblob(1000000000) --",
  '$1',
  '?',
  '%',
  '\\',
  '\0',
  "o'hara@example.test' OR 'x'='x",
]

const NO_TEXT = [
  null,
  0,
  -1,
  1.5,
  true,
  false,
  [],
  ['a@example.test', 'b@example.test'],
  {},
  { $ne: null },
  { length: 9 },
]

const PROTOTYPE_KEYS = [
  '"__proto__":{"admin":true}',
  '"constructor":{"prototype":{"admin":true}}',
  '"\\u005f_proto__":{"admin":true}',
  '"constructor":"x"',
  '"prototype":{"admin":true}',
  '"toString":"x"',
  '"hasOwnProperty":1',
]

const OTHERS_FIELDS = ['admin', 'role', 'id', 'user_id', 'userId', 'sub', 'email_verified', 'password_hash', 'is_admin']

// Whatever the reason for it is, it ends everybody's sessions, those of bystanders as well.
const probed = jsonOperations.filter(({ id }) => id !== 'adminRetireKey')

/** The fields of an operation's body, and whether each takes text. */
function fieldsOf({ body }: Operation): readonly { readonly name: string; readonly isText: boolean }[] {
  const { properties = {} } = z.toJSONSchema(body?.schema ?? z.object({}), { io: 'input' })
  return Object.entries(properties).map(([name, field]) => ({
    name,
    isText: (field as { type?: unknown }).type === 'string',
  }))
}

describe.each(backendsUnderTest.slice(0, 2))('on $name', ({ prepare }) => {
  const settings = prepare()
  let app: DocumentedApp
  let bystander: Tokens
  beforeAll(async () => {
    app = await documentedApp({ settings: await settings() })
    bystander = await app.register()
  })
  afterAll(() => app.close())

  describe.each(probed.map((operation) => [operation.id, operation] as const))('%s', (_id, operation) => {
    it('takes SQL in a field for text', async () => {
      const call = await callOf(operation, app)
      for (const { name } of fieldsOf(operation)) {
        for (const value of SQL) {
          const answer = await send(app, operation, { ...call, body: { ...call.body, [name]: value } })
          await expectHarmless(answer, `${name}: ${value}`)
        }
      }
    })

    it('takes no other type for text', async () => {
      const call = await callOf(operation, app)
      for (const { name, isText } of fieldsOf(operation)) {
        const wrong = isText ? NO_TEXT : NO_TEXT.filter((value) => typeof value !== 'number')
        for (const value of wrong) {
          const answer = await send(app, operation, { ...call, body: { ...call.body, [name]: value } })
          const problem = await expectProblem(answer, 'invalid_request')
          expect(problem.errors?.map(({ path }) => path)).toContain(name)
        }
      }
    })

    it('takes no key that reaches a prototype', async () => {
      const call = await callOf(operation, app)
      for (const key of PROTOTYPE_KEYS) {
        for (const body of [`{${key}}`, `${JSON.stringify(call.body).slice(0, -1)},${key}}`]) {
          const headers = { 'content-type': 'application/json', ...call.headers }
          const init = { method: operation.method, headers, body }
          await expectProblem(await fetch(app.url + (call.path ?? operation.path), init), 'invalid_request')
        }
      }
      expect(Object.keys(Object.prototype)).toEqual([])
      expect(({} as { admin?: unknown }).admin).toBeUndefined()
    })

    it('takes no field of somebody else', async () => {
      const call = await callOf(operation, app)
      const own = fieldsOf(operation).map(({ name }) => name)
      for (const name of OTHERS_FIELDS.filter((other) => !own.includes(other))) {
        const answer = await send(app, operation, { ...call, body: { ...call.body, [name]: true } })
        const problem = await expectProblem(answer, 'invalid_request')
        expect(problem.errors).toEqual([{ path: name, message: 'is not a known field' }])
      }
    })
  })

  it('takes SQL in paths, queries and headers for text', async () => {
    for (const operation of operations.filter(({ id }) => id !== 'docs')) {
      const call = await callOf(operation, app)
      for (const value of SQL.map(encodeURIComponent)) {
        const path = `${operation.path.replace(/:\w+/, value)}?until=${value}&except=${value}&x=${value}`
        const headers = { 'user-agent': value, 'last-event-id': value, 'token-delivery': value, 'x-csrf-token': value }
        const answer = await send(app, operation, { ...call, path, headers: { ...call.headers, ...headers } })
        await expectHarmless(answer, `${operation.id} ${path}`)
      }
    }
  })

  it('takes SQL in a form for text', async () => {
    for (const operation of operations.filter(({ tag }) => tag === 'oauth')) {
      const call = await callOf(operation, app)
      for (const name of ['token', 'token_type_hint', 'client_id', 'client_secret', '__proto__', 'constructor']) {
        for (const value of SQL) {
          const body = Object.fromEntries([...Object.entries(call.body ?? {}), [name, value]])
          await expectHarmless(await send(app, operation, { ...call, body }), `${name}: ${value}`)
        }
      }
    }
  })

  it('leaves everybody else as they were', async () => {
    const answer = await app.get('/auth/status', bystander.access_token)
    expect(await answer.json()).toMatchObject({ user: { id: bystander.user.id, admin: false } })
    const login = await app.post('/auth/login', { email: bystander.user.email, password: PASSWORD })
    expect(login.status).toBe(200)
    expect((await fetch(`${app.url}/auth/sessions`, { headers: bearer(bystander.access_token) })).status).toBe(200)
  })
})
