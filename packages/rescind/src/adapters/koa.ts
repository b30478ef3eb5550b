import type { Middleware, ParameterizedContext } from 'koa'
import type { RequestGuard } from '../session/request-guard.ts'
import { type Admitted, admit, type RouteOptions, renewal } from './shared/admission.ts'
import { NodeView, setCookiesOf } from './shared/node.ts'
import { createSlot } from './shared/slot.ts'

/** A Koa middleware that leaves who makes the request in `ctx.state.auth`. */
export type KoaGuard<A> = Middleware<{ auth: A }> & {
  /** Who makes this request. Throws `invalid_config` on a route that is not behind this guard. */
  principal(context: object): A
}

/**
 * A middleware that lets a request pass only with a good token, and answers the refusal itself. To find a token in the
 * body, put the body parser before it.
 *
 * @typeParam P what the guard says of who makes a request: with your types of user and claims
 * @example
 * ```ts
 * const guard = koaGuard(auth)
 * router.get('/me', guard, (ctx) => {
 *   ctx.body = { name: guard.principal(ctx).user.name }
 * })
 * ```
 */
export function koaGuard<P, O, const Optional extends boolean | undefined = false>(
  auth: RequestGuard<P, O>,
  options?: RouteOptions<O, Optional>,
): KoaGuard<Admitted<P, Optional>> {
  type A = Admitted<P, Optional>
  const slot = createSlot<A>()
  const guard = async (ctx: ParameterizedContext<{ auth: A }>, next: () => Promise<unknown>) => {
    const admitted = admit(auth, new NodeView(ctx.req, ctx.originalUrl, ctx.request), options)
    const admission = admitted instanceof Promise ? await admitted : admitted
    if (!admission.ok) {
      const { status, headers, body } = admission.answer
      ctx.status = status
      ctx.set({ ...headers })
      ctx.body = body
      return
    }
    const { principal } = admission
    slot.put(ctx, principal)
    ctx.state.auth = principal
    await next()
    if (principal === null || !auth.renews(principal) || ctx.headerSent) return
    const present = setCookiesOf(ctx.res.getHeader('set-cookie'))
    const cookies = await renewal(auth, principal, present)
    if (cookies !== null && cookies.length > 0 && !ctx.headerSent) ctx.set('set-cookie', [...present, ...cookies])
  }
  return Object.assign(guard, { principal: slot.read })
}
