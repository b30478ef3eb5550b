import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'

// What the service takes from browsers, and what their scripts may read.
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']
const REQUEST_HEADERS = ['Authorization', 'Content-Type', 'Token-Delivery', 'X-CSRF-Token']
const ANSWER_HEADERS = ['Retry-After', 'WWW-Authenticate']
const PREFLIGHT_SECONDS = 600

/**
 * Lets pages of these origins read answers and send cookies. To other origins, and to `null`, no answer says anything,
 * and browsers keep them from scripts.
 */
export async function allowOrigins(app: FastifyInstance, origins: readonly string[]): Promise<void> {
  if (origins.length === 0) return
  const listed = new Set(origins)
  await app.register(cors, {
    delegator: (request, done) =>
      done(null, {
        // By itself the plugin would tell a foreign origin, too, that credentials are welcome.
        origin: listed.has(request.headers.origin ?? ''),
        credentials: true,
        methods: METHODS,
        allowedHeaders: REQUEST_HEADERS,
        exposedHeaders: ANSWER_HEADERS,
        maxAge: PREFLIGHT_SECONDS,
      }),
  })
}
