import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import type { RequestView, Rescind, TokenPair } from 'rescind'
import { fastifyView } from 'rescind/fastify'
import { noteUser } from '../noted-refusals.ts'
import type { SessionCap } from '../services/session-cap.ts'

/** Starts the sessions of people who have proved who they are. */
export interface Logins {
  /** Records where it is from, and ends the session that the browser had before, and the oldest of too many. */
  start(user: { readonly id: string }, request: FastifyRequest): Promise<TokenPair>
}

// A session keeps what its owner recognises the device by; no more than that.
const MAX_USER_AGENT = 512

/** Composes {@link Logins}. */
export function createLogins(auth: Rescind, cap: SessionCap): Logins {
  return {
    async start({ id: sub }, request) {
      noteUser(request, sub)
      const userAgent = request.headers['user-agent']?.slice(0, MAX_USER_AGENT) ?? null
      const pair = await auth.issue({ sub, fresh: true, ip: addressOf(request), userAgent })
      for (const sid of await sessionsOfBrowser(auth, request)) {
        await auth.revoke.session(sid, { by: sub, reason: 'replaced by a login' })
      }
      await cap(sub)
      return pair
    },
  }
}

/** What a trusted proxy sends may be no address at all. */
function addressOf({ ip }: FastifyRequest): string | null {
  return isIP(ip) === 0 ? null : ip
}

/**
 * The live sessions whose cookies come with a login. A cookie planted before it, or left over from somebody else, is of
 * no use after it. Bearer tokens are let be: programs hold many sessions at a time.
 */
async function sessionsOfBrowser(auth: Rescind, request: FastifyRequest): Promise<ReadonlySet<string>> {
  const sids = new Set<string>()
  if (request.headers.cookie === undefined) return sids
  const view = fastifyView(request)
  // The credentials of the login stand in for the CSRF token, which only changes have to come with.
  const reading: RequestView = { method: 'GET', url: view.url, header: (name) => view.header(name) }
  for (const type of ['access', 'refresh'] as const) {
    const decision = await auth.check(reading, { type, locations: ['cookie'] })
    const sid = decision.ok ? decision.principal?.sid : undefined
    if (sid !== undefined) sids.add(sid)
  }
  return sids
}
