import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Principal, type RequestView, type Rescind, RescindError } from 'rescind'
import { fastifyView } from 'rescind/fastify'
import { authenticated } from './authenticated.ts'

const METHOD = /^[A-Z]{1,32}$/
// Neither the end of a line nor anything beyond ASCII; and `%`, so that what was encoded can be told from what was not.
const UNSAFE_IN_HEADER = /[^\x21-\x24\x26-\x7e]/gu

/**
 * `GET /auth/verify`: for proxies that ask before they pass a request on (nginx `auth_request`, `forward_auth` of Caddy,
 * `forwardAuth` of Traefik). 204 tells who it is, in headers; any other status is a refusal.
 */
export function forwardAuthRoutes(app: FastifyInstance, auth: Rescind): void {
  const onRequest = async (request: FastifyRequest) => {
    const decision = await auth.check(forwardedView(request))
    if (!decision.ok) throw decision.error
    request.auth = decision.principal
  }
  app.get('/auth/verify', { onRequest }, async (request, reply) =>
    reply
      .code(204)
      .headers(identityHeaders(authenticated(request)))
      .send(),
  )
}

/** The request that the proxy has before it: a cookie needs a CSRF token where that one changes something. */
function forwardedView(request: FastifyRequest): RequestView {
  const view = fastifyView(request)
  const forwarded = view.header('x-forwarded-method')
  if (forwarded === undefined) return view
  if (typeof forwarded !== 'string' || !METHOD.test(forwarded)) {
    throw new RescindError('invalid_request', 'X-Forwarded-Method must be one method.')
  }
  return { method: forwarded, url: view.url, header: (name) => view.header(name) }
}

function identityHeaders({ sub, sid, claims }: Principal): Record<string, string> {
  // The CSRF token is a secret between the page and the service.
  const shown = Object.fromEntries(Object.entries(claims).filter(([name]) => name !== 'csrf'))
  return {
    'x-auth-subject': headerSafe(sub),
    // Empty rather than left out: a proxy that copies it then overwrites what the client may have sent by this name.
    'x-auth-session': sid === undefined ? '' : headerSafe(sid),
    'x-auth-claims': Buffer.from(JSON.stringify(shown)).toString('base64url'),
  }
}

/** Percent-encoded where it has to be; ids that the service makes itself are left as they are. */
function headerSafe(text: string): string {
  return text.replace(UNSAFE_IN_HEADER, (character) =>
    Buffer.from(character).reduce(
      (encoded, byte) => `${encoded}%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
      '',
    ),
  )
}
