import type { FastifyReply, FastifyRequest } from 'fastify'
import type { CheckOptions } from '../session/guard.ts'
import type { Principal } from '../session/principal.ts'
import type { Rescind } from '../session/rescind.ts'
import type { RequestView } from '../web/request.ts'
import { type ProblemOptions, problemAnswer } from '../web/respond.ts'
import { headerReader } from './shared/node.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by {@link fastifyGuard}: who makes this request; `null` on an optional route without a token. */
    auth: Principal | null
  }
}

/**
 * A hook that lets a request pass only with a good token, and answers the refusal itself.
 *
 * @example
 * ```ts
 * app.decorateRequest('auth', null)
 * app.get('/me', { onRequest: fastifyGuard(auth) }, (request) => ({ sub: request.auth?.sub }))
 * ```
 */
export function fastifyGuard(
  auth: Rescind,
  options: CheckOptions & { readonly problem?: ProblemOptions } = {},
): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  return async (request, reply) => {
    const checked = auth.check(fastifyView(request), options)
    const decision = checked instanceof Promise ? await checked : checked
    if (!decision.ok) {
      const { status, headers, body } = problemAnswer(decision.error, options.problem)
      return reply.code(status).headers(headers).send(body)
    }
    request.auth = decision.principal
  }
}

/** A Fastify request as the guard reads it. */
export function fastifyView(request: FastifyRequest): RequestView {
  return { method: request.method, header: headerReader(request.raw) }
}
