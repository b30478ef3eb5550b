import type { FastifyInstance } from 'fastify'
import { RescindError } from 'rescind'
import { letThrough } from '../pressure.ts'
import type { Readiness } from '../readiness.ts'

/**
 * `GET /health/live`: the process answers. `GET /health/ready`: and it can do what it is for; not any more once it has
 * been told to stop, though it answers what still comes over open connections.
 */
export function healthRoutes(app: FastifyInstance, readiness: Readiness): void {
  let stops = false
  app.addHook('preClose', async () => {
    stops = true
  })
  app.get('/health/live', { config: letThrough }, async () => ({ status: 'live' }))
  app.get('/health/ready', { config: letThrough }, async () => {
    if (stops) throw new RescindError('overloaded', 'The service is shutting down.')
    return readiness.check()
  })
}
