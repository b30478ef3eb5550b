import type { FastifyInstance } from 'fastify'
import { adminRevocation } from '../../admin-resources.ts'
import { pageQuery, parseQuery, previewBody, revocationBody } from '../../bodies/admin.ts'
import { parseBody } from '../../bodies.ts'
import type { AdminParts } from './parts.ts'

/** `/admin/revocations`: what is revoked, by whom and why; to revoke; and to see beforehand what that would end. */
export function revocationAdminRoutes(app: FastifyInstance, { operators, access }: AdminParts): void {
  const { guarded, actOf } = access

  app.get('/admin/revocations', guarded, async (request) => {
    const { items, nextCursor } = await operators.revocations.list(parseQuery(pageQuery, request.query))
    return { revocations: items.map(adminRevocation), next_cursor: nextCursor }
  })

  app.post('/admin/revocations', guarded, async (request, reply) => {
    const { kind, id, reason, max_sessions: maxSessions } = parseBody(revocationBody, request.body)
    await operators.revocations.revoke(actOf(request, reason), { kind, id, maxSessions })
    return reply.code(204).send()
  })

  app.post('/admin/revocations/preview', guarded, async (request) =>
    operators.revocations.preview(parseBody(previewBody, request.body)),
  )
}
