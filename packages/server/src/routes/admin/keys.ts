import type { FastifyInstance } from 'fastify'
import { adminKey } from '../../admin-resources.ts'
import { reasonBody, retireBody } from '../../bodies/admin.ts'
import { parseBody } from '../../bodies.ts'
import type { AdminParts } from './parts.ts'

/** `/admin/keys`: the signing keys in the database. */
export function keyRoutes(app: FastifyInstance, { operators, access }: AdminParts): void {
  const { guarded, actOf } = access

  app.get('/admin/keys', guarded, async () => ({ keys: (await operators.keys.list()).map(adminKey) }))

  app.post('/admin/keys/rotate', guarded, async (request, reply) => {
    const { reason } = request.body === undefined ? {} : parseBody(reasonBody, request.body)
    return reply.code(201).send(adminKey(await operators.keys.rotate(actOf(request, reason))))
  })

  app.post<{ Params: { kid: string } }>('/admin/keys/:kid/retire', guarded, async (request, reply) => {
    const { reason } = parseBody(retireBody, request.body)
    await operators.keys.retire(actOf(request, reason), request.params.kid)
    return reply.code(204).send()
  })
}
