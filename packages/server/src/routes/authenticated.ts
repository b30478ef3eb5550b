import type { FastifyRequest } from 'fastify'
import { type Principal, RescindError } from 'rescind'

/** Who makes the request, behind a guard. Refuses where a route was left without one, instead of going on as nobody. */
export function authenticated(request: FastifyRequest): Principal {
  if (request.auth === null) throw new RescindError('token_missing', 'Send a token: Authorization: Bearer <token>.')
  return request.auth
}
