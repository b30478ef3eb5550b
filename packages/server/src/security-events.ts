import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { notedClient, notedRefusal, notedUser } from './noted-refusals.ts'

/** The names that a route has for what it does, in the log. */
interface RouteEvents {
  readonly done: string
  /** Where what was shown (a password, a link, a refresh token) was not good. */
  readonly refused?: string
  /** True where an access token has to be shown besides; a refusal of that is `access.denied`. */
  readonly guarded?: boolean
}

const routeEvents: Readonly<Record<string, RouteEvents>> = {
  'POST /auth/register': { done: 'account.registered' },
  'POST /auth/login': { done: 'login.succeeded', refused: 'login.failed' },
  'POST /auth/reauthenticate': {
    done: 'reauthentication.succeeded',
    refused: 'reauthentication.failed',
    guarded: true,
  },
  'POST /auth/refresh': { done: 'refresh.succeeded', refused: 'refresh.failed' },
  'POST /auth/logout': { done: 'logout' },
  'DELETE /auth/sessions': { done: 'sessions.ended' },
  'DELETE /auth/sessions/:id': { done: 'session.ended' },
  'POST /auth/password/change': { done: 'password.changed', refused: 'password.change_failed', guarded: true },
  'POST /auth/password/forgot': { done: 'password.reset_asked' },
  'POST /auth/password/reset': { done: 'password.reset', refused: 'password.reset_failed' },
  'POST /auth/email/change': { done: 'email.change_asked', refused: 'email.change_failed', guarded: true },
  'POST /auth/email/verify': { done: 'email.verified', refused: 'email.verification_failed' },
  'POST /oauth/revoke': { done: 'token.revocation_asked' },
}

const OTHER_EVENTS = ['refresh.reused', 'access.denied', 'admin.acted', 'admin.denied', 'request.rate_limited']

/**
 * Every event that the log can name. docs/guide/operations.md says of each when it is written.
 *
 * @internal for the test that compares the two
 */
export const securityEventNames: readonly string[] = [
  ...Object.values(routeEvents).flatMap(({ done, refused }) => (refused === undefined ? [done] : [done, refused])),
  ...OTHER_EVENTS,
]

// What happens to everybody all the time: a page that is opened without a token, or with the one of yesterday.
const ORDINARY_CODES: ReadonlySet<string> = new Set(['token_missing', 'token_expired'])

/**
 * Writes one line for each login, change and refusal: who, what and from where, with the id of the request. It is written
 * once the answer is known, whether or not there is still somebody to hear it.
 */
export function logSecurityEvents(app: FastifyInstance): void {
  // An answer that fails while it is sent is followed by another one.
  const written = new WeakSet<FastifyRequest>()
  app.addHook('onSend', (request, reply, _payload, done) => {
    const event = written.has(request) ? undefined : eventOf(request, reply)
    if (event !== undefined) {
      written.add(request)
      write(event, request)
    }
    done()
  })
}

function eventOf(request: FastifyRequest, { statusCode }: FastifyReply): string | undefined {
  const { method, routeOptions } = request
  const { url = '' } = routeOptions
  const events = routeEvents[`${method} ${url}`]
  const isAdmin = url.startsWith('/admin/')
  const changes = isAdmin && method !== 'GET' && method !== 'HEAD' && !url.endsWith('/preview')
  if (statusCode < 300) return events?.done ?? (changes ? 'admin.acted' : undefined)
  const code = notedRefusal(request)?.code
  if (statusCode === 429) return 'request.rate_limited'
  if (statusCode !== 401 && statusCode !== 403) return undefined
  if (code === 'refresh_token_reused') return 'refresh.reused'
  if (isAdmin) return 'admin.denied'
  const isOfRoute = statusCode === 401 && (code === 'invalid_credentials' || events?.guarded !== true)
  return (isOfRoute ? events?.refused : undefined) ?? 'access.denied'
}

function write(event: string, request: FastifyRequest): void {
  const code = notedRefusal(request)?.code
  const who = { userId: notedUser(request), sessionId: request.auth?.sid, clientId: notedClient(request) }
  const line = { event, ...who, ip: request.ip, code }
  if (code === undefined || ORDINARY_CODES.has(code)) request.log.info(line, 'security event')
  else request.log.warn(line, 'security event')
}
