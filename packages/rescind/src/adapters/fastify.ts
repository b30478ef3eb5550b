import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import type { Principal } from '../session/principal.ts'
import type { RequestGuard } from '../session/request-guard.ts'
import type { RequestView } from '../web/request.ts'
import { type Admitted, admit, type RouteOptions, renewal } from './shared/admission.ts'
import { NodeView, setCookiesOf } from './shared/node.ts'
import { createSlot } from './shared/slot.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by {@link fastifyGuard}; `null` on an optional route without a token. `guard.principal` has its full type. */
    auth: Principal | null
  }
}

/** A hook for `onRequest`, or for `preValidation` and `preHandler`, where the body has been parsed. */
export interface FastifyGuard<A> {
  (request: FastifyRequest, reply: FastifyReply): Promise<void>
  /** Who makes this request. Throws `invalid_config` on a route that is not behind this guard. */
  principal(request: FastifyRequest): A
}

type Renew = (setCookies: readonly string[]) => Promise<readonly string[]> | null

const renewals = createSlot<Renew>()

/**
 * The plugin behind the guards: it decorates requests with `auth`, and sends the cookies that renew a token. Register it
 * before the routes; with an `auth` that decorates requests already it makes do.
 *
 * @example
 * ```ts
 * await app.register(fastifyAuth)
 * ```
 */
export const fastifyAuth: FastifyPluginCallback = Object.assign<FastifyPluginCallback, object>(
  (app, _options, done) => {
    if (!app.hasRequestDecorator('auth')) app.decorateRequest('auth', null)
    app.addHook('onSend', (request, reply, _payload, next) => {
      const present = setCookiesOf(reply.getHeader('set-cookie'))
      const renewed = renewals.peek(request)?.(present)
      if (!renewed) return next()
      renewed
        .then((cookies) => {
          // Put anew, since Fastify would add to the very array that the route gave it.
          if (cookies.length > 0) reply.removeHeader('set-cookie').header('set-cookie', [...present, ...cookies])
          next()
        })
        .catch(next)
    })
    done()
  },
  // What fastify-plugin sets: the hook is to hold for the whole app, not for this plugin.
  { [Symbol.for('skip-override')]: true, [Symbol.for('fastify.display-name')]: 'rescind' },
)

/**
 * A hook that lets a request pass only with a good token, and answers the refusal itself.
 *
 * @typeParam P what the guard says of who makes a request: with your types of user and claims
 * @example
 * ```ts
 * await app.register(fastifyAuth)
 * const guard = fastifyGuard(auth)
 * app.get('/me', { onRequest: guard }, (request) => ({ name: guard.principal(request).user.name }))
 * ```
 */
export function fastifyGuard<P, O, const Optional extends boolean | undefined = false>(
  auth: RequestGuard<P, O>,
  options?: RouteOptions<O, Optional>,
): FastifyGuard<Admitted<P, Optional>> {
  const slot = createSlot<Admitted<P, Optional>>()
  const guard = async (request: FastifyRequest, reply: FastifyReply) => {
    const admitted = admit(auth, fastifyView(request), options)
    const admission = admitted instanceof Promise ? await admitted : admitted
    if (!admission.ok) {
      const { status, headers, body } = admission.answer
      return reply.code(status).headers(headers).send(JSON.stringify(body))
    }
    const { principal } = admission
    slot.put(request, principal)
    const carrier: { auth: unknown } = request
    carrier.auth = principal
    if (principal !== null && auth.renews(principal)) {
      renewals.put(request, (setCookies) => renewal(auth, principal, setCookies))
    }
  }
  return Object.assign(guard, { principal: slot.read })
}

/** A Fastify request as a guard reads it. */
export function fastifyView(request: FastifyRequest): RequestView {
  return new NodeView(request.raw, request.originalUrl, request)
}
