import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RequestGuard } from '../session/request-guard.ts'
import { type Admission, type Admitted, admit, type RouteOptions, renewal } from './shared/admission.ts'
import { beforeHead } from './shared/before-head.ts'
import { NodeView, writeAnswer } from './shared/node.ts'

/** A listener for `node:http` that is also told who makes the request. */
export type GuardedListener<A> = (request: IncomingMessage, response: ServerResponse, principal: A) => unknown

/**
 * Puts a guard before listeners for `node:http`: they are called only for a request with a good token, and the refusal
 * is answered for them. A token in the body is found where something has parsed it into `request.body` before.
 *
 * @returns a function that guards a listener. What the listener throws or rejects with comes out of the guarded one.
 * @example
 * ```ts
 * const guard = nodeGuard(auth)
 * createServer(guard((_request, response, principal) => response.end(`Hello ${principal.user.name}`)))
 * ```
 */
export function nodeGuard<P, O, const Optional extends boolean | undefined = false>(
  auth: RequestGuard<P, O>,
  options?: RouteOptions<O, Optional>,
): (
  listener: GuardedListener<Admitted<P, Optional>>,
) => (request: IncomingMessage & { readonly body?: unknown }, response: ServerResponse) => unknown {
  return (listener) => (request, response) => {
    const proceed = (admission: Admission<Admitted<P, Optional>>) => {
      if (!admission.ok) return writeAnswer(response, admission.answer)
      const { principal } = admission
      if (principal !== null && auth.renews(principal)) {
        beforeHead(response, (setCookies) => renewal(auth, principal, setCookies))
      }
      return listener(request, response, principal)
    }
    const admission = admit(auth, new NodeView(request, request.url, request), options)
    return admission instanceof Promise ? admission.then(proceed) : proceed(admission)
  }
}
