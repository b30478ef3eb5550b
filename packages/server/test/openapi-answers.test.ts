import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { requestErrors } from 'rescind/wire'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Operation } from '../src/openapi/operation.ts'
import { operations } from '../src/openapi/operations.ts'
import { type DocumentedApp, documentedApp } from './support/documented-app.ts'
import { callOf, send } from './support/operation-calls.ts'

interface Described {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >
}

let app: DocumentedApp
let described: (operation: Operation) => Described
let ajv: Ajv2020
beforeAll(async () => {
  app = await documentedApp()
  const document = (await (await app.get('/openapi.json')).json()) as {
    paths: Record<string, Record<string, Described>>
    components: object
  }
  described = ({ path, method }) => {
    const found = document.paths[path.replaceAll(/:(\w+)/g, '{$1}')]?.[method]
    if (found === undefined) throw new Error(`${method} ${path} is not described`)
    return found
  }
  ajv = new Ajv2020({ allErrors: true, strict: false })
  addFormats.default(ajv)
  ajv.addSchema({ components: document.components }, 'document')
})
afterAll(() => app.close())

/** Expects an answer that its operation describes: status, type and every field of the body. */
async function expectDescribed(operation: Operation, answer: Response): Promise<unknown> {
  const text = await answer.text()
  const response = described(operation).responses[String(answer.status)]
  expect(response, `${answer.status} ${text}`).toBeDefined()
  if (response?.content === undefined) {
    expect(text).toBe('')
    return undefined
  }
  const type = answer.headers.get('content-type')?.replace(/;.*/, '') ?? ''
  expect(Object.keys(response.content)).toContain(type)
  const body = /json$/.test(type) ? JSON.parse(text) : text
  const schema = JSON.parse(
    JSON.stringify(response.content[type]?.schema).replaceAll('"#/components/', '"document#/components/'),
  )
  const validate = ajv.compile(schema)
  expect(validate(body), JSON.stringify({ body, errors: validate.errors })).toBe(true)
  return body
}

describe.each(operations.map((operation) => [operation.id, operation] as const))('%s', (_id, operation) => {
  it('answers as it is described', async () => {
    const answer = await send(app, operation, await callOf(operation, app))
    expect(answer.status, await answer.clone().text()).toBeLessThan(300)
    await expectDescribed(operation, answer)
  })

  if (operation.auth.length > 0)
    it('answers a caller who shows nothing as it is described', async () => {
      const { headers: _credentials, ...call } = await callOf(operation, app)
      const answer = await send(app, operation, operation.id === 'refresh' ? {} : call)
      expect(answer.status).toBe(401)
      await expectDescribed(operation, answer)
    })

  if (operation.auth.length > 0)
    it('answers a caller who shows what is wrong as it is described', async () => {
      const call = await callOf(operation, app)
      const headers = { ...call.headers, authorization: 'Bearer e30.e30.e30' }
      const answer = await send(app, operation, operation.id === 'refresh' ? { headers } : { ...call, headers })
      expect([400, 401]).toContain(answer.status)
      await expectDescribed(operation, answer)
    })

  if (operation.body !== undefined)
    it('answers a body that is wrong as it is described', async () => {
      const { headers = {}, ...call } = await callOf(operation, app)
      const unknown = await send(app, operation, { ...call, headers, body: { unknown_field: 1 } })
      expect(unknown.status).toBe(400)
      await expectDescribed(operation, unknown)
      for (const [type, body] of [
        ['text/plain', 'x'],
        [operation.body?.mediaType ?? 'application/json', 'x'.repeat(70_000)],
      ] as const) {
        const init = { method: operation.method, headers: { ...headers, 'content-type': type }, body }
        const answer = await fetch(app.url + (call.path ?? operation.path), init)
        expect([413, 415]).toContain(answer.status)
        await expectDescribed(operation, answer)
      }
    })
})

it('names every error code that a request can meet', () => {
  const named = new Set(
    operations.flatMap((operation) =>
      Object.values(described(operation).responses).flatMap((response) => {
        const text = JSON.stringify(response)
        return Object.keys(requestErrors).filter((code) => text.includes(`"${code}"`))
      }),
    ),
  )
  // The first two are of paths and methods that are no operation; the last is the library's alone.
  const elsewhere = ['method_not_allowed', 'rate_limited', 'user_not_found']
  expect(Object.keys(requestErrors).filter((code) => !named.has(code) && !elsewhere.includes(code))).toEqual([])
})
