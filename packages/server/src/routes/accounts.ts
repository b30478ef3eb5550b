import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Rescind } from 'rescind'
import { loginBody, parseBody, registerBody } from '../bodies.ts'
import type { UserRecord } from '../repositories/users.ts'
import { tokenResponse } from '../resources.ts'
import type { Accounts } from '../services/accounts.ts'
import { onlyBodyDelivery } from './token-delivery.ts'

// A session keeps what its owner recognises the device by; no more than that.
const MAX_USER_AGENT = 512

/** `POST /auth/register` and `POST /auth/login`: a password for a session. */
export function accountRoutes(app: FastifyInstance, { auth, accounts }: { auth: Rescind; accounts: Accounts }): void {
  const startSession = async (user: UserRecord, request: FastifyRequest) => {
    const userAgent = request.headers['user-agent']?.slice(0, MAX_USER_AGENT) ?? null
    return tokenResponse(await auth.issue({ sub: user.id, fresh: true, ip: request.ip, userAgent }), user)
  }

  app.post('/auth/register', { onRequest: onlyBodyDelivery }, async (request, reply) => {
    const user = await accounts.register(parseBody(registerBody, request.body))
    return reply.code(201).send(await startSession(user, request))
  })

  app.post('/auth/login', { onRequest: onlyBodyDelivery }, async (request) => {
    const user = await accounts.logIn(parseBody(loginBody, request.body))
    return startSession(user, request)
  })
}
