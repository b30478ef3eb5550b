import type { FastifyInstance } from 'fastify'
import type { Rescind } from 'rescind'
import { changeEmailBody, forgotPasswordBody, parseBody, resetPasswordBody, verifyEmailBody } from '../bodies.ts'
import { noteUser } from '../noted-refusals.ts'
import type { RouteLimits } from '../rate-limits/route-limits.ts'
import type { EmailOwnership } from '../services/email-ownership.ts'
import type { PasswordReset } from '../services/password-reset.ts'
import { authenticated } from './authenticated.ts'
import { clientGone } from './client-gone.ts'
import { guard } from './guard.ts'
import { guardedRoute } from './guarded-route.ts'

// A foreign page must not spend what its visitor's network may do.
const sameOrigin = { config: { sameOrigin: true } } as const

/** What the routes of mailed links need. */
export interface MailedLinkRoutesOptions {
  readonly auth: Rescind
  readonly passwordReset: PasswordReset
  readonly ownership: EmailOwnership
  /** Told of who has proved to own an account. */
  readonly limits: RouteLimits
}

/**
 * `POST /auth/password/forgot` and `/auth/email/change`, which send a link, and `POST /auth/password/reset` and
 * `/auth/email/verify`, which take what is in it. The first two answer before anything is looked up.
 */
export function mailedLinkRoutes(app: FastifyInstance, options: MailedLinkRoutesOptions): void {
  const { auth, passwordReset, ownership, limits } = options

  app.post('/auth/password/forgot', sameOrigin, async (request, reply) => {
    passwordReset.ask(parseBody(forgotPasswordBody, request.body).email)
    return reply.code(202).send()
  })

  app.post('/auth/password/reset', sameOrigin, async (request, reply) => {
    const { token, new_password } = parseBody(resetPasswordBody, request.body)
    const wish = { secret: token, newPassword: new_password }
    const { email, userId } = await passwordReset.reset(wish, clientGone(reply))
    noteUser(request, userId)
    // Before the answer: its owner logs in next, however many passwords others have guessed.
    await limits.trust(email.key, request)
    return reply.code(204).send()
  })

  app.post('/auth/email/change', guardedRoute(guard(auth, { fresh: true })), async (request, reply) => {
    const { sub, sid } = authenticated(request)
    const { email, password } = parseBody(changeEmailBody, request.body)
    const isAskerLive = async () => sid !== undefined && (await auth.sessions.get(sid)) !== null
    await ownership.askToChange({ sub, email, password, isAskerLive }, clientGone(reply))
    return reply.code(202).send()
  })

  app.post('/auth/email/verify', sameOrigin, async (request, reply) => {
    const { email, userId } = await ownership.verify(parseBody(verifyEmailBody, request.body).token)
    noteUser(request, userId)
    await limits.trust(email.key, request)
    return reply.code(204).send()
  })
}
