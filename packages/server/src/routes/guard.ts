import type { FastifyRequest } from 'fastify'
import type { CheckOptions, Rescind } from 'rescind'
import { fastifyView } from 'rescind/fastify'

/**
 * A hook that lets a request pass only with a good token. Unlike the one of `rescind/fastify` it throws its refusal, so
 * that the service answers every error in one place, and logs there why the ledger did not answer.
 */
export function guard(auth: Rescind, options: CheckOptions = {}): (request: FastifyRequest) => Promise<void> {
  return async (request) => {
    const decision = await auth.check(fastifyView(request), options)
    if (!decision.ok) throw decision.error
    request.auth = decision.principal
  }
}
