import type { FastifyInstance } from 'fastify'
import type { Readiness } from '../readiness.ts'

/** `GET /health/live`: the process answers. `GET /health/ready`: and it can do what it is for. */
export function healthRoutes(app: FastifyInstance, readiness: Readiness): void {
  app.get('/health/live', async () => ({ status: 'live' }))
  app.get('/health/ready', () => readiness.check())
}
