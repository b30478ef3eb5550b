import type { FastifyInstance } from 'fastify'
import { type Rescind, RescindError } from 'rescind'

/** `GET /health/live`: the process answers. `GET /health/ready`: and it knows what is revoked. */
export function healthRoutes(app: FastifyInstance, auth: Rescind): void {
  app.get('/health/live', async () => ({ status: 'live' }))

  app.get('/health/ready', async () => {
    const { state } = auth.status()
    if (state !== 'live') throw new RescindError('revocation_unavailable', `The revocation replica is ${state}.`)
    return { status: 'ready' }
  })
}
