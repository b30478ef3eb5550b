import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Operation } from '../src/openapi/operation.ts'
import { operations } from '../src/openapi/operations.ts'
import { type DocumentedApp, documentedApp } from './support/documented-app.ts'

let app: DocumentedApp
beforeAll(async () => {
  app = await documentedApp()
})
afterAll(() => app.close())

const nameOf = ({ method, path }: Operation) => `${method.toUpperCase()} ${path}`

it('is valid OpenAPI 3.1', async () => {
  const answer = await app.get('/openapi.json')
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toMatch(/^application\/json/)
  const document = await answer.json()
  expect(document).toMatchObject({ openapi: '3.1.0', info: { version: expect.stringMatching(/^\d+\.\d+\.\d+/) } })
  const validator = new Validator()
  expect(await validator.validate(document as Record<string, unknown>)).toEqual({ valid: true })
  expect(() => validator.resolveRefs()).not.toThrow()
})

it('describes every route, and no other', async () => {
  const routes = await app.routes()
  expect(routes.length).toBeGreaterThan(10)
  expect(routes).toEqual(operations.map(nameOf).sort())
  const { paths } = (await (await app.get('/openapi.json')).json()) as { paths: Record<string, object> }
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`),
  )
  expect(described.sort()).toEqual(routes)
})

it('names each operation once', () => {
  const ids = operations.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
})

it('takes no secret in a URL (ASVS 14.2.1)', () => {
  const inUrls = operations.flatMap(({ parameters = [] }) =>
    parameters.filter((parameter) => parameter.in !== 'header'),
  )
  expect(inUrls.map(({ name }) => name).filter((name) => /token|password|secret|code|key/i.test(name))).toEqual([])
})

it('says what fields a body has and how long they may be', async () => {
  const { paths } = (await (await app.get('/openapi.json')).json()) as {
    paths: Record<string, { post: { requestBody: { content: Record<string, { schema: unknown }> } } }>
  }
  expect(paths['/auth/register']?.post.requestBody.content['application/json']?.schema).toMatchObject({
    type: 'object',
    required: ['email', 'password'],
    additionalProperties: false,
    properties: {
      email: { type: 'string', format: 'email', maxLength: 254 },
      password: { type: 'string', minLength: 8, maxLength: 128 },
    },
  })
})

it('describes no route that was not set up', async () => {
  const small = await documentedApp({ revocationFeed: undefined })
  try {
    const { paths } = (await (await small.get('/openapi.json')).json()) as { paths: Record<string, object> }
    expect(Object.keys(paths)).toContain('/auth/login')
    expect(Object.keys(paths)).not.toContain('/revocations')
  } finally {
    await small.close()
  }
})

it('is also a page, which loads nothing and runs nothing', async () => {
  const answer = await app.get('/docs')
  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'none';style-src 'sha256-[\w+/]+=*';/)
  expect(answer.headers.get('cross-origin-opener-policy')).toBe('same-origin')
  const page = await answer.text()
  for (const { summary, path } of operations) {
    expect(page).toContain(`<code>${path.replaceAll(/:(\w+)/g, '{$1}')}</code> ${summary}`)
  }
  expect(page).not.toMatch(/<script|<link|<img|<iframe|\bon\w+=|style=|src=|https?:\/\/(?!datatracker|www\.rfc)/i)
  const links = [...page.matchAll(/href="([^"]*)"/g)].map(([, href = '']) => href)
  for (const href of links) expect(href === '/openapi.json' || page.includes(`id="${href.slice(1)}"`)).toBe(true)
})
