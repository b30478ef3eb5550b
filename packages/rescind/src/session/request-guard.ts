import type { RescindError } from '../base/errors.ts'
import type { RequestView } from '../web/request.ts'
import type { Answer } from '../web/respond.ts'
import type { CheckOptions } from './check-options.ts'
import type { Decision } from './guard.ts'
import type { Principal } from './principal.ts'

/** What the handler did to the response by the time that it is sent. */
export interface ResponseView {
  /** The `Set-Cookie` values that are on the response. */
  readonly setCookies: readonly string[]
}

/**
 * What an adapter asks of the library for each request. `createRescind` makes one, and so does each compat module: an
 * adapter translates and never decides.
 *
 * @typeParam P what a route gets
 * @typeParam O what a route may ask of the token
 */
export interface RequestGuard<P = Principal, O = CheckOptions> {
  /** Says whether a request may pass. Synchronous where nothing has to be asked for. Never throws, never rejects. */
  check(request: RequestView, options?: O): Decision<P> | Promise<Decision<P>>
  /** The answer to a refused request. Never throws, never rejects. */
  answer(error: RescindError, request: RequestView): Answer | Promise<Answer>
  /**
   * Whether {@link renew} may have something to add when the request is answered, which is nearly never: an adapter need
   * not watch the other responses. Never throws.
   */
  renews(principal: P): boolean
  /**
   * The `Set-Cookie` values to add when a guarded request is answered: the successor of a cookie token near its end.
   * `null` where there is nothing to do. Never rejects.
   */
  renew(principal: P, response: ResponseView): Promise<readonly string[]> | null
}
