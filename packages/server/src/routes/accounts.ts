import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Rescind, RescindError, type TokenPair } from 'rescind'
import { changePasswordBody, loginBody, parseBody, registerBody } from '../bodies.ts'
import type { RouteLimits } from '../rate-limits/route-limits.ts'
import type { UserRecord } from '../repositories/users.ts'
import type { Accounts } from '../services/accounts.ts'
import type { Registration } from '../services/registration.ts'
import { authenticated } from './authenticated.ts'
import { clientGone } from './client-gone.ts'
import { guard } from './guard.ts'
import { guardedRoute } from './guarded-route.ts'
import type { Logins } from './logins.ts'
import { checkTokenDelivery, deliverTokens } from './token-delivery.ts'

/** What the routes of accounts need. */
export interface AccountRoutesOptions {
  readonly auth: Rescind
  readonly accounts: Accounts
  readonly registration: Registration
  readonly logins: Logins
  /** Told of who has changed a password. */
  readonly limits: RouteLimits
}

/** `POST /auth/register`, `POST /auth/login` and `POST /auth/password/change`: a password for a session. */
export function accountRoutes(
  app: FastifyInstance,
  { auth, accounts, registration, logins, limits }: AccountRoutesOptions,
): void {
  const entrance = { onRequest: checkTokenDelivery, config: { sameOrigin: true } }
  /** Begins a session for who has proved a password, unless the account was changed since: then with this refusal. */
  const enter = async (user: UserRecord, request: FastifyRequest, refusal: string): Promise<TokenPair> => {
    const pair = await logins.start(user, request)
    if (await accounts.stillEnters(user)) return pair
    await auth.revoke.session(pair.sid, { reason: 'account changed during login' })
    throw new RescindError('invalid_credentials', refusal)
  }

  app.post('/auth/register', entrance, async (request, reply) => {
    const user = await registration.register(parseBody(registerBody, request.body), clientGone(reply))
    if (user === null) return reply.code(202).send()
    const pair = await logins.start(user, request)
    return reply.code(201).send(deliverTokens({ auth, request, reply }, pair, user))
  })

  app.post('/auth/login', entrance, async (request, reply) => {
    const user = await accounts.logIn(parseBody(loginBody, request.body), clientGone(reply))
    const pair = await enter(user, request, 'The e-mail or the password is wrong.')
    return deliverTokens({ auth, request, reply }, pair, user)
  })

  const { onRequest, preHandler } = guardedRoute(guard(auth, { fresh: true }))
  const guarded = { onRequest: [onRequest, checkTokenDelivery], preHandler }
  app.post('/auth/password/change', guarded, async (request, reply) => {
    const { sub } = authenticated(request)
    const { current_password, new_password } = parseBody(changePasswordBody, request.body)
    const wish = { sub, currentPassword: current_password, newPassword: new_password }
    const user = await accounts.changePassword(wish, clientGone(reply))
    // Every session has ended, this one too: had a thief its refresh token, it would live on. Its owner gets a new one.
    const pair = await enter(user, request, 'The account was changed meanwhile.')
    // The places that were known before the change are not any more.
    await limits.trust(user.emailKey, request)
    return deliverTokens({ auth, request, reply }, pair, user)
  })
}
