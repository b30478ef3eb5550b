import type { FastifyRequest } from 'fastify'
import { RescindError } from 'rescind'

/** Refuses a request for tokens in cookies: answering it with tokens in the body would expose them to scripts. */
export async function onlyBodyDelivery(request: FastifyRequest): Promise<void> {
  const wanted = request.headers['token-delivery']
  if (wanted === undefined || wanted === 'body') return
  throw new RescindError('invalid_request', 'Token-Delivery may only be "body": cookies are not supported yet.')
}
