import type { FastifyInstance } from 'fastify'

/**
 * Tells clients, with each answer that is sent once the service was told to stop, not to use the connection again: one
 * that was at work at that moment would otherwise stay open, idle, and hold up the end.
 */
export function closeConnectionsAtEnd(app: FastifyInstance): void {
  let stops = false
  app.addHook('preClose', async () => {
    stops = true
  })
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (stops) reply.header('connection', 'close')
    done()
  })
}
