import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** What became of a request: it has its whole answer, or its client went away before that. */
export type RequestEnd = 'answered' | 'abandoned'

/** Calls `ended` once for each request that gets to a route, also where its client goes away first. */
export function onRequestEnd(
  app: FastifyInstance,
  ended: (request: FastifyRequest, reply: FastifyReply, how: RequestEnd) => void,
): void {
  app.addHook('onRequest', (request, reply, done) => {
    // Not Fastify's `onResponse`: it is not called where the client is gone.
    reply.raw.once('close', () => ended(request, reply, reply.raw.writableFinished ? 'answered' : 'abandoned'))
    done()
  })
}
