import type { FastifyInstance } from 'fastify'
import { adminAuditEntry, adminStats } from '../../admin-resources.ts'
import { pageQuery, parseQuery } from '../../bodies/admin.ts'
import type { AdminParts } from './parts.ts'

/** `GET /admin/audit`: what operators did. `GET /admin/stats`: how the service stands. */
export function recordRoutes(app: FastifyInstance, { operators, access: { guarded } }: AdminParts): void {
  app.get('/admin/audit', guarded, async (request) => {
    const { items, nextCursor } = await operators.audit.list(parseQuery(pageQuery, request.query))
    return { entries: items.map(adminAuditEntry), next_cursor: nextCursor }
  })

  app.get('/admin/stats', guarded, async () => adminStats(await operators.stats()))
}
