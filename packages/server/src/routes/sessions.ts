import type { FastifyInstance, FastifyRequest } from 'fastify'
import { bearerToken, type Rescind, RescindError } from 'rescind'
import { fastifyView } from 'rescind/fastify'
import { parseBody, refreshBody } from '../bodies.ts'
import { statusResponse, tokenResponse } from '../resources.ts'
import type { Accounts } from '../services/accounts.ts'
import { authenticated } from './authenticated.ts'
import { guard } from './guard.ts'
import { onlyBodyDelivery } from './token-delivery.ts'

/** `GET /auth/status`, `POST /auth/refresh` and `POST /auth/logout`: the life of a session. */
export function sessionRoutes(app: FastifyInstance, { auth, accounts }: { auth: Rescind; accounts: Accounts }): void {
  app.get('/auth/status', { onRequest: guard(auth) }, async (request) => {
    const principal = authenticated(request)
    const user = await accounts.ofSubject(principal.sub)
    const session = principal.sid === undefined ? null : await auth.sessions.get(principal.sid)
    return statusResponse(principal, user, session)
  })

  app.post('/auth/refresh', { onRequest: onlyBodyDelivery }, async (request) => {
    const pair = await auth.refresh(presentedRefreshToken(request))
    try {
      return tokenResponse(pair, await accounts.ofSubject(pair.sub))
    } catch (error) {
      // The account is gone: so is its session, and not only this answer.
      if (error instanceof RescindError && error.code === 'token_invalid') {
        await auth.revoke.session(pair.sid, { reason: 'account gone' })
      }
      throw error
    }
  })

  app.post('/auth/logout', { onRequest: guard(auth, { type: 'any' }) }, async (request, reply) => {
    const { sid, sub } = authenticated(request)
    if (sid === undefined) throw new RescindError('token_invalid', 'The token belongs to no session.')
    await auth.revoke.session(sid, { by: sub, reason: 'logout' })
    return reply.code(204).send()
  })
}

function presentedRefreshToken(request: FastifyRequest): string {
  const inBody = request.body === undefined ? undefined : parseBody(refreshBody, request.body).refresh_token
  const inHeader = bearerToken(fastifyView(request)) ?? undefined
  // Guessing which one is meant could end the wrong session.
  if (inBody !== undefined && inHeader !== undefined && inBody !== inHeader) {
    throw new RescindError('invalid_request', 'The body and the header hold different tokens.')
  }
  const token = inBody ?? inHeader
  if (token === undefined) throw new RescindError('token_missing', 'Send a refresh token, in the body or as bearer.')
  return token
}
