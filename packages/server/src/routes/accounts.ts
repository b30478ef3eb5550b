import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Rescind, RescindError, type TokenPair } from 'rescind'
import { changePasswordBody, loginBody, parseBody, registerBody } from '../bodies.ts'
import type { UserRecord } from '../repositories/users.ts'
import { tokenResponse } from '../resources.ts'
import type { Accounts } from '../services/accounts.ts'
import { authenticated } from './authenticated.ts'
import { guard } from './guard.ts'
import { onlyBodyDelivery } from './token-delivery.ts'

// A session keeps what its owner recognises the device by; no more than that.
const MAX_USER_AGENT = 512

/** `POST /auth/register`, `POST /auth/login` and `POST /auth/password/change`: a password for a session. */
export function accountRoutes(app: FastifyInstance, { auth, accounts }: { auth: Rescind; accounts: Accounts }): void {
  const startSession = (user: UserRecord, request: FastifyRequest): Promise<TokenPair> => {
    const userAgent = request.headers['user-agent']?.slice(0, MAX_USER_AGENT) ?? null
    return auth.issue({ sub: user.id, fresh: true, ip: request.ip, userAgent })
  }

  app.post('/auth/register', { onRequest: onlyBodyDelivery }, async (request, reply) => {
    const user = await accounts.register(parseBody(registerBody, request.body))
    return reply.code(201).send(tokenResponse(await startSession(user, request), user))
  })

  app.post('/auth/login', { onRequest: onlyBodyDelivery }, async (request) => {
    const user = await accounts.logIn(parseBody(loginBody, request.body))
    const pair = await startSession(user, request)
    if (!(await accounts.stillEnters(user))) {
      await auth.revoke.session(pair.sid, { reason: 'password changed during login' })
      throw new RescindError('invalid_credentials', 'The e-mail or the password is wrong.')
    }
    return tokenResponse(pair, user)
  })

  const onRequest = [onlyBodyDelivery, guard(auth, { fresh: true })]
  app.post('/auth/password/change', { onRequest }, async (request) => {
    const { sub } = authenticated(request)
    const { current_password, new_password } = parseBody(changePasswordBody, request.body)
    const user = await accounts.changePassword({ sub, currentPassword: current_password, newPassword: new_password })
    // Every session has ended, this one too: had a thief its refresh token, it would live on. Its owner gets a new one.
    return tokenResponse(await startSession(user, request), user)
  })
}
