import type { FastifyReply, FastifyRequest } from 'fastify'
import { bearerToken, RescindError } from 'rescind'
import { fastifyView } from 'rescind/fastify'
import type { ClientScope, Clients } from '../services/clients.ts'
import { createServiceCredential } from '../services/service-credential.ts'
import { scopedClient } from './scoped-client.ts'

/** Who passes: whoever shows one of the tokens of the configuration, and clients with the scope. */
export interface ServiceAccess {
  readonly tokens: readonly string[]
  readonly clients: Clients
  readonly scope: ClientScope
}

/** A hook that lets programs pass, not people: by a service token as bearer, or by a client's id and secret (HTTP Basic). */
export function onlyServices(access: ServiceAccess): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  const { tokens, clients, scope } = access
  const credential = createServiceCredential(tokens)
  return async (request, reply) => {
    const view = fastifyView(request)
    const presented = bearerToken(view)
    if (presented !== null) {
      if (!credential.accepts(presented)) throw new RescindError('token_invalid', 'This is not the service token.')
      return
    }
    if (view.header('authorization') === undefined) {
      throw new RescindError(
        'token_missing',
        'Send the service token (Authorization: Bearer <token>) or the credentials of a client (HTTP Basic).',
      )
    }
    await scopedClient(request, reply, { clients, scope })
  }
}
