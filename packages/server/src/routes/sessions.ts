import type { FastifyInstance, FastifyRequest } from 'fastify'
import { bearerToken, type Rescind, RescindError } from 'rescind'
import { fastifyView } from 'rescind/fastify'
import { parseBody, reauthenticateBody, refreshBody } from '../bodies.ts'
import { noteUser } from '../noted-refusals.ts'
import { statusResponse } from '../resources.ts'
import type { Accounts } from '../services/accounts.ts'
import type { SessionUses } from '../services/session-uses.ts'
import { authenticated } from './authenticated.ts'
import { clientGone } from './client-gone.ts'
import { guard, guardAnyToken } from './guard.ts'
import { guardedRoute } from './guarded-route.ts'
import { checkTokenDelivery, deliverAccessToken, deliverTokens, deliveryOf, forgetTokens } from './token-delivery.ts'

/** What the routes of a session need. */
export interface SessionRoutesOptions {
  readonly auth: Rescind
  readonly accounts: Accounts
  readonly uses: SessionUses
}

/**
 * `GET /auth/status`, `POST /auth/refresh`, `POST /auth/reauthenticate` and `POST /auth/logout`: the life of a session.
 */
export function sessionRoutes(app: FastifyInstance, { auth, accounts, uses }: SessionRoutesOptions): void {
  app.get('/auth/status', { onRequest: guard(auth) }, async (request) => {
    const principal = authenticated(request)
    const user = await accounts.ofSubject(principal.sub)
    const session = principal.sid === undefined ? null : await auth.sessions.get(principal.sid)
    const lastUses = await uses.lastOf(session === null ? [] : [session.sid])
    return statusResponse(principal, user, session, lastUses)
  })

  // Its callers are counted: a foreign page must not spend what its visitor's network may do.
  app.post('/auth/refresh', { onRequest: checkTokenDelivery, config: { sameOrigin: true } }, async (request, reply) => {
    const token = await presentedRefreshToken(auth, request)
    deliveryOf(request)
    const pair = await auth.refresh(token).catch((error: unknown) => {
      // It was genuine, so what it says of its owner is true.
      if (error instanceof RescindError && error.code === 'refresh_token_reused') noteUser(request, subjectOf(token))
      throw error
    })
    noteUser(request, pair.sub)
    try {
      return deliverTokens({ auth, request, reply }, pair, await accounts.ofSubject(pair.sub))
    } catch (error) {
      // The account is gone: so is its session, and not only this answer.
      if (error instanceof RescindError && error.code === 'token_invalid') {
        await auth.revoke.session(pair.sid, { reason: 'account gone' })
      }
      throw error
    }
  })

  const { onRequest, preHandler } = guardedRoute(guard(auth))
  const guarded = { onRequest: [onRequest, checkTokenDelivery], preHandler }
  app.post('/auth/reauthenticate', guarded, async (request, reply) => {
    const principal = authenticated(request)
    const { password } = parseBody(reauthenticateBody, request.body)
    const user = await accounts.confirm({ sub: principal.sub, password }, clientGone(reply))
    const token = await auth.stepUp(principal)
    // ASVS 7.2.4: the token from before is of no use to whoever may have taken it.
    await auth.revoke.token(principal, { by: principal.sub, reason: 'replaced by a fresh token' })
    return deliverAccessToken({ auth, request, reply }, token, user)
  })

  app.post('/auth/logout', guardedRoute(guardAnyToken(auth)), async (request, reply) => {
    const { sid, sub } = authenticated(request)
    if (sid === undefined) throw new RescindError('token_invalid', 'The token belongs to no session.')
    await auth.revoke.session(sid, { by: sub, reason: 'logout' })
    forgetTokens({ auth, request, reply })
    return reply.code(204).send()
  })
}

/** The refresh token of a request, by body, header or cookie. A cookie has to come with its CSRF token. */
async function presentedRefreshToken(auth: Rescind, request: FastifyRequest): Promise<string> {
  const inBody = request.body === undefined ? undefined : parseBody(refreshBody, request.body).refresh_token
  const inHeader = bearerToken(fastifyView(request)) ?? undefined
  const inCookie = await cookieRefreshToken(auth, request)
  const [token, ...others] = [inBody, inHeader, inCookie].filter((given) => given !== undefined)
  if (token === undefined) {
    throw new RescindError('token_missing', 'Send a refresh token: in the body, as bearer or as cookie.')
  }
  // Guessing which one is meant could end the wrong session.
  if (others.some((other) => other !== token)) {
    throw new RescindError('invalid_request', 'The request holds different tokens: send one.')
  }
  return token
}

/** Whom a token that was verified speaks for. */
function subjectOf(token: string): string {
  const { sub } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { sub: string }
  return sub
}

async function cookieRefreshToken(auth: Rescind, request: FastifyRequest): Promise<string | undefined> {
  if (request.headers.cookie === undefined) return undefined
  await guard(auth, { type: 'refresh', locations: ['cookie'], optional: true })(request)
  return request.auth?.token
}
