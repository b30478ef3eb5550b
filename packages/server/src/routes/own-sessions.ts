import type { FastifyInstance } from 'fastify'
import { type Principal, type Rescind, RescindError, type SessionRecord } from 'rescind'
import type { SessionsResponse, SessionsRevokedResponse } from 'rescind/wire'
import { sessionResource } from '../resources.ts'
import type { SessionUses } from '../services/session-uses.ts'
import { authenticated } from './authenticated.ts'
import { guard } from './guard.ts'
import { guardedRoute } from './guarded-route.ts'
import { forgetTokens } from './token-delivery.ts'

/** What the routes of a user's sessions need. */
export interface OwnSessionRoutesOptions {
  readonly auth: Rescind
  readonly uses: SessionUses
}

const PAGE = 100
const SESSION_ID = /^[\w-]{1,64}$/

/** `GET /auth/sessions`, `DELETE /auth/sessions` and `DELETE /auth/sessions/{id}`: where else a user is logged in. */
export function ownSessionRoutes(app: FastifyInstance, { auth, uses }: OwnSessionRoutesOptions): void {
  const guarded = guardedRoute(guard(auth))

  app.get('/auth/sessions', guarded, async (request): Promise<SessionsResponse> => {
    const { sub, sid: current } = authenticated(request)
    const sessions = await allSessions(auth, sub)
    const lastUses = await uses.lastOf(sessions.map(({ sid }) => sid))
    return { sessions: sessions.map((session) => sessionResource(session, lastUses, current)) }
  })

  app.delete<{ Params: { id: string } }>('/auth/sessions/:id', guarded, async (request, reply) => {
    const { sub, sid: current } = authenticated(request)
    const { id } = request.params
    const session = SESSION_ID.test(id) ? await auth.sessions.get(id) : null
    // Somebody else's session is answered like one that never was.
    if (session?.sub !== sub) throw new RescindError('not_found', 'You have no session with this id.')
    await auth.revoke.session(id, { by: sub, reason: 'ended by its owner' })
    if (id === current) forgetTokens({ auth, request, reply })
    return reply.code(204).send()
  })

  app.delete<{ Querystring: Record<string, unknown> }>('/auth/sessions', guarded, async (request, reply) => {
    const principal = authenticated(request)
    const spared = sparedSession(principal, request.query)
    const revoked = await auth.revoke.subject(principal.sub, {
      by: principal.sub,
      reason: spared === undefined ? 'logged out everywhere' : 'logged out everywhere else',
      except: spared,
    })
    if (spared === undefined) forgetTokens({ auth, request, reply })
    return { revoked } satisfies SessionsRevokedResponse
  })
}

function sparedSession({ sid }: Principal, { except, ...others }: Record<string, unknown>): string | undefined {
  // All of them are not to end because of a slip of the pen.
  if (Object.keys(others).length > 0 || (except !== undefined && except !== 'current')) {
    throw new RescindError('invalid_request', 'The only parameter is except, which may be "current".')
  }
  if (except === undefined) return undefined
  if (sid === undefined) throw new RescindError('token_invalid', 'The token belongs to no session.')
  return sid
}

/** All of them: there is a limit to how many a user has. */
async function allSessions(auth: Rescind, sub: string): Promise<readonly SessionRecord[]> {
  const sessions: SessionRecord[] = []
  let cursor: string | undefined
  do {
    const page = await auth.sessions.list(sub, { limit: PAGE, cursor })
    sessions.push(...page.sessions)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return sessions
}
