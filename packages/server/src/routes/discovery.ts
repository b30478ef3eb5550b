import type { FastifyInstance } from 'fastify'
import type { Rescind } from 'rescind'

// Long enough to spare the service, short enough that a new key is known well before the old one retires.
const JWKS_MAX_AGE_SECONDS = 300

/** `GET /.well-known/jwks.json`: the public keys (RFC 7517). */
export function discoveryRoutes(app: FastifyInstance, auth: Rescind): void {
  app.get('/.well-known/jwks.json', async (_request, reply) => {
    reply.header('cache-control', `public, max-age=${JWKS_MAX_AGE_SECONDS}`)
    return auth.jwks()
  })
}
