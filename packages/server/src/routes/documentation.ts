import type { FastifyInstance } from 'fastify'
import { openApiDocument } from '../openapi/document.ts'
import { operations } from '../openapi/operations.ts'
import { documentPage, pagePolicy } from '../openapi/page.ts'
import type { IsLimited } from '../openapi/shared-errors.ts'
import { ownVersion } from '../own-version.ts'

const MAX_AGE_SECONDS = 300

/**
 * `GET /openapi.json` and `GET /docs`: the API, for programs and for people. To be called when every other route is
 * there: what is not configured has no route, and is not described.
 */
export function documentationRoutes(app: FastifyInstance, { isLimited }: { isLimited: IsLimited }): void {
  let document: { readonly json: string; readonly page: string } | undefined
  const describe = () => {
    const present = operations.filter(({ method, path }) => existing.has(`${method} ${path}`))
    const described = openApiDocument({ operations: present, version: ownVersion(), isLimited })
    return { json: JSON.stringify(described), page: documentPage(described) }
  }

  app.get('/openapi.json', async (_request, reply) => {
    document ??= describe()
    reply.headers({ 'content-type': 'application/json', 'cache-control': `public, max-age=${MAX_AGE_SECONDS}` })
    return document.json
  })

  app.get('/docs', async (_request, reply) => {
    document ??= describe()
    reply.headers({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': `public, max-age=${MAX_AGE_SECONDS}`,
      'content-security-policy': pagePolicy,
    })
    return document.page
  })

  // Asked now: later the router also holds the refusals of every other method.
  const existing = new Set(
    operations.filter(({ method, path }) => app.hasRoute({ method, url: path })).map((it) => `${it.method} ${it.path}`),
  )
}
