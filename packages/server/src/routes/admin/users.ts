import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { SessionsRevokedResponse } from 'rescind/wire'
import { adminSessions, adminUser } from '../../admin-resources.ts'
import { pageQuery, parseQuery, reasonBody, reasonQuery, usersQuery } from '../../bodies/admin.ts'
import { parseBody } from '../../bodies.ts'
import type { AdminParts } from './parts.ts'

/** `/admin/users` and what is below it: people and their sessions. */
export function userRoutes(app: FastifyInstance, { operators, uses, access }: AdminParts): void {
  const { guarded, actOf } = access
  const actOfBody = (request: FastifyRequest) =>
    actOf(request, request.body === undefined ? undefined : parseBody(reasonBody, request.body).reason)

  app.get('/admin/users', guarded, async (request) => {
    const { items, nextCursor } = await operators.users.list(parseQuery(usersQuery, request.query))
    return { users: items.map(adminUser), next_cursor: nextCursor }
  })

  app.get<{ Params: { id: string } }>('/admin/users/:id', guarded, async (request) =>
    adminUser(await operators.users.get(request.params.id)),
  )

  app.post<{ Params: { id: string } }>('/admin/users/:id/disable', guarded, async (request, reply) => {
    await operators.users.disable(actOfBody(request), request.params.id)
    return reply.code(204).send()
  })

  app.post<{ Params: { id: string } }>('/admin/users/:id/enable', guarded, async (request, reply) => {
    await operators.users.enable(actOfBody(request), request.params.id)
    return reply.code(204).send()
  })

  app.get<{ Params: { id: string } }>('/admin/users/:id/sessions', guarded, async (request) => {
    const page = await operators.sessions.list(request.params.id, parseQuery(pageQuery, request.query))
    const lastUses = await uses.lastOf(page.items.map(({ sid }) => sid))
    return adminSessions(page, lastUses, request.auth?.sid)
  })

  app.delete<{ Params: { id: string } }>('/admin/users/:id/sessions', guarded, async (request) => {
    const { reason } = parseQuery(reasonQuery, request.query)
    const revoked = await operators.sessions.endAll(actOf(request, reason), request.params.id)
    return { revoked } satisfies SessionsRevokedResponse
  })
}
