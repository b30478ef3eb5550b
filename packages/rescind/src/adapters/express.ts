import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Principal } from '../session/principal.ts'
import type { RequestGuard } from '../session/request-guard.ts'
import { type Admission, type Admitted, admit, type RouteOptions, renewal } from './shared/admission.ts'
import { beforeHead } from './shared/before-head.ts'
import { NodeView, writeAnswer } from './shared/node.ts'
import { createSideSlot } from './shared/slot.ts'

declare global {
  // biome-ignore lint/style/noNamespace: this is where Express has its types extended.
  namespace Express {
    interface Request {
      /** Set by {@link expressGuard}; `null` on an optional route without a token. `guard.principal` has its full type. */
      auth?: Principal | null
    }
  }
}

/** The part of an Express request that the guard uses. */
export type ExpressRequest = IncomingMessage & { originalUrl?: string; body?: unknown; auth?: unknown }

/** A middleware for Express, and for all that have taken over its form. */
export interface ExpressGuard<A> {
  (request: ExpressRequest, response: ServerResponse, next: (error?: unknown) => void): void
  /** Who makes this request. Throws `invalid_config` on a route that is not behind this guard. */
  principal(request: IncomingMessage): A
}

/**
 * A middleware that lets a request pass only with a good token, and answers the refusal itself. To find a token in the
 * body, put the body parser before it.
 *
 * @typeParam P what the guard says of who makes a request: with your types of user and claims
 * @example
 * ```ts
 * const guard = expressGuard(auth)
 * app.get('/me', guard, (request, response) => {
 *   response.json({ name: guard.principal(request).user.name })
 * })
 * ```
 */
export function expressGuard<P, O, const Optional extends boolean | undefined = false>(
  auth: RequestGuard<P, O>,
  options?: RouteOptions<O, Optional>,
): ExpressGuard<Admitted<P, Optional>> {
  const slot = createSideSlot<Admitted<P, Optional>>()
  const guard = (request: ExpressRequest, response: ServerResponse, next: (error?: unknown) => void) => {
    const proceed = (admission: Admission<Admitted<P, Optional>>) => {
      if (!admission.ok) return writeAnswer(response, admission.answer)
      const { principal } = admission
      slot.put(request, principal)
      request.auth = principal
      if (principal !== null && auth.renews(principal)) {
        beforeHead(response, (setCookies) => renewal(auth, principal, setCookies))
      }
      next()
    }
    const admission = admit(auth, new NodeView(request, request.originalUrl ?? request.url, request), options)
    if (admission instanceof Promise) admission.then(proceed).catch(next)
    else proceed(admission)
  }
  return Object.assign(guard, { principal: slot.read })
}
