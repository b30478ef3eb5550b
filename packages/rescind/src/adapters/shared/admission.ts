import { RescindError } from '../../base/errors.ts'
import type { Decision } from '../../session/guard.ts'
import type { RequestGuard } from '../../session/request-guard.ts'
import type { RequestView } from '../../web/request.ts'
import { type Answer, problemAnswer } from '../../web/respond.ts'

/** What a route may ask of the token, as the guard defines it; `optional` also says whether its principal may be `null`. */
export type RouteOptions<O, Optional> = NoInfer<O> & { readonly optional?: Optional | undefined }

/** What a route gets: a principal, or perhaps `null` where the guard is optional. */
export type Admitted<P, Optional> = Optional extends false | undefined ? P : P | null

/** The outcome of a check, for an adapter to act upon. */
export type Admission<A> = { readonly ok: true; readonly principal: A } | Refusal

interface Refusal {
  readonly ok: false
  readonly error: RescindError
  readonly answer: Answer
}

/** The half of a guard that decides; `V` is how the adapter sees a request. */
export interface Doorkeeper<P, O, V extends RequestView> {
  check(request: V, options?: O): Decision<P> | Promise<Decision<P>>
  answer(error: RescindError, request: V): Answer | Promise<Answer>
}

/**
 * Asks the guard. Whatever fails inside becomes an answer: this neither throws nor rejects, whoever made the guard.
 * Synchronous where the guard is and lets the request pass.
 */
export function admit<P, O, Optional, V extends RequestView>(
  guard: Doorkeeper<P, O, V>,
  request: V,
  options: RouteOptions<O, Optional> | undefined,
): Admission<Admitted<P, Optional>> | Promise<Admission<Admitted<P, Optional>>> {
  const settle = (decision: Decision<P>): Admission<Admitted<P, Optional>> | Promise<Refusal> => {
    if (!decision.ok) return refuse(guard, decision.error, request)
    if (mayPass(decision, request, options?.optional)) return decision
    return refuse(guard, new RescindError('token_missing', 'Send a token.'), request)
  }
  const fail = (cause: unknown) => {
    const error = new RescindError('internal_error', 'The request could not be checked.', { cause })
    return refuse(guard, cause instanceof RescindError ? cause : error, request)
  }
  try {
    const decision = guard.check(request, options)
    return decision instanceof Promise ? decision.then(settle, fail) : settle(decision)
  } catch (error) {
    return fail(error)
  }
}

/** The cookies that the answer to a request needs besides its own; `null` for none. Neither throws nor rejects. */
export function renewal<P, O>(
  guard: RequestGuard<P, O>,
  principal: P,
  setCookies: readonly string[],
): Promise<readonly string[]> | null {
  try {
    // Without a successor the client still has a good token, and the next request tries again.
    return guard.renew(principal, { setCookies })?.catch(() => []) ?? null
  } catch {
    return null
  }
}

/**
 * A guard gives `null` on optional routes, and for the `OPTIONS` of a compat module whose original asks nothing of it:
 * no page can send a token along with a preflight. One that breaks its word lets nobody in.
 */
function mayPass<P, Optional>(
  decision: { readonly ok: true; readonly principal: P | null },
  { method }: RequestView,
  optional: Optional | undefined,
): decision is { readonly ok: true; readonly principal: Admitted<P, Optional> } {
  return decision.principal !== null || optional === true || method === 'OPTIONS'
}

async function refuse<P, O, V extends RequestView>(
  guard: Doorkeeper<P, O, V>,
  error: RescindError,
  request: V,
): Promise<Refusal> {
  try {
    return { ok: false, error, answer: await guard.answer(error, request) }
  } catch {
    return { ok: false, error, answer: problemAnswer(error) }
  }
}
