import type { FastifyReply, FastifyRequest } from 'fastify'
import { RescindError } from 'rescind'
import type { ClientRecord } from '../repositories/clients.ts'
import type { ClientScope, Clients } from '../services/clients.ts'
import { requiredClient } from './client-authentication.ts'
import { OAuthError } from './oauth-errors.ts'

/** Whose credentials are asked for, and what they must be good for. */
export interface ScopedClientOptions {
  readonly clients: Clients
  readonly scope: ClientScope
}

/**
 * The client that makes a request, by HTTP Basic, where it has the scope. It refuses as the routes do that are no part
 * of OAuth.
 *
 * @throws RescindError `invalid_credentials` with a challenge, and `forbidden` without the scope
 */
export async function scopedClient(
  request: FastifyRequest,
  reply: FastifyReply,
  { clients, scope }: ScopedClientOptions,
): Promise<ClientRecord> {
  try {
    return await requiredClient(clients, request, { scope })
  } catch (error) {
    throw error instanceof OAuthError ? asProblem(error, reply) : error
  }
}

function asProblem({ status, message }: OAuthError, reply: FastifyReply): RescindError {
  if (status === 403) return new RescindError('forbidden', message)
  reply.header('www-authenticate', 'Basic realm="rescind", charset="UTF-8"')
  return new RescindError('invalid_credentials', message)
}
