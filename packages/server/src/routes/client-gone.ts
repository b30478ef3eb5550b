import type { FastifyReply } from 'fastify'

/** Aborts when the client goes away, and at the latest when it has its answer: for work that waits in a queue. */
export function clientGone(reply: FastifyReply): AbortSignal {
  // Not the request's own event: that tells as soon as the body has been read.
  const controller = new AbortController()
  const { raw, request } = reply
  const { socket } = request.raw
  const abort = () => {
    raw.off('close', abort)
    socket.off('close', abort)
    controller.abort()
  }
  if (raw.closed || socket.destroyed) {
    controller.abort()
  } else {
    raw.once('close', abort)
    // Of requests that a client sent one after the other without waiting, only the first is told.
    socket.once('close', abort)
  }
  return controller.signal
}
