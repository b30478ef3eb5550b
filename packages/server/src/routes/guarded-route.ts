import type { FastifyReply, FastifyRequest } from 'fastify'

type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

const READS: ReadonlySet<string> = new Set(['GET', 'HEAD'])

/**
 * The hooks of a route behind a guard. Where something changes, the guard is asked twice: before a body is read, and once
 * it is there, since whoever sends it slowly could lose the right to the change meanwhile.
 */
export function guardedRoute(admit: Hook): { readonly onRequest: Hook; readonly preHandler: Hook } {
  return {
    onRequest: admit,
    preHandler: async (request, reply) => {
      if (!READS.has(request.method)) await admit(request, reply)
    },
  }
}
