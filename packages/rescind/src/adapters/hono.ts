import type { HonoRequest, MiddlewareHandler } from 'hono'
import { RescindError } from '../base/errors.ts'
import type { Decision } from '../session/guard.ts'
import type { RequestGuard } from '../session/request-guard.ts'
import { mediaType } from '../web/body-field.ts'
import type { RequestView } from '../web/request.ts'
import {
  type Admission,
  type Admitted,
  admit,
  type Doorkeeper,
  type RouteOptions,
  renewal,
} from './shared/admission.ts'

/**
 * A middleware that lets a request pass only with a good token, and answers the refusal itself. Who makes the request
 * is in `c.get('auth')`, with its full type on the routes behind the guard. The body is read only where the guard looks
 * for a token in it, and stays readable for the route; put `bodyLimit` before the guard then.
 *
 * Fetch joins a header that was sent twice with a comma, so that a guard sees one malformed value in place of two.
 *
 * @typeParam P what the guard says of who makes a request: with your types of user and claims
 * @example
 * ```ts
 * app.get('/me', honoGuard(auth), (c) => c.json({ name: c.get('auth').user.name }))
 * ```
 */
export function honoGuard<P, O, const Optional extends boolean | undefined = false>(
  auth: RequestGuard<P, O>,
  options?: RouteOptions<O, Optional>,
): MiddlewareHandler<{ Variables: { auth: Admitted<P, Optional> } }> {
  const again = async (view: HonoView, given?: O) => auth.check(await view.withBody(), given)
  const guard: Doorkeeper<P, O, HonoView> = {
    check(view, given) {
      const decision = auth.check(view, given)
      const settle = (settled: Decision<P>) => (view.wantsBody ? again(view, given) : settled)
      return decision instanceof Promise ? decision.then(settle) : settle(decision)
    },
    answer: (error, view) => auth.answer(error, view),
  }
  type Handler = MiddlewareHandler<{ Variables: { auth: Admitted<P, Optional> } }>
  const pass = (
    admission: Admission<Admitted<P, Optional>>,
    ...[c, next]: Parameters<Handler>
  ): ReturnType<Handler> => {
    if (!admission.ok) {
      const { status, headers, body } = admission.answer
      return Promise.resolve(c.newResponse(JSON.stringify(body), new Response(null, { status, headers })))
    }
    const { principal } = admission
    c.set('auth', principal)
    if (principal === null || !auth.renews(principal)) return next().then(nothing)
    return next().then(async () => {
      const cookies = await renewal(auth, principal, c.res.headers.getSetCookie())
      for (const cookie of cookies ?? []) c.header('set-cookie', cookie, { append: true })
    })
  }
  return (c, next) => {
    const admitted = admit(guard, new HonoView(c.req), options)
    // No promise is made where the answer is there already: each turn of the queue costs half a microsecond of the 18 that a
    // request takes.
    return admitted instanceof Promise
      ? admitted.then((admission) => pass(admission, c, next))
      : pass(admitted, c, next)
  }
}

// Hono's `next()` resolves to the context, whatever its type says, and what a middleware resolves to becomes the response where
// no route has made one: the route's mistake would be the guard's.
const nothing = (): void => {}

/** A Hono request as a guard reads it. */
class HonoView implements RequestView {
  /** Whether the guard has asked for the body before it was read. */
  wantsBody = false
  readonly #request: HonoRequest
  #body: { readonly parsed: unknown } | null = null

  constructor(request: HonoRequest) {
    this.#request = request
  }

  get method(): string {
    return this.#request.method
  }

  get url(): string {
    const { url } = this.#request
    return url.slice(url.indexOf('/', url.indexOf('//') + 2))
  }

  header(name: string): string | undefined {
    return this.#request.header(name)
  }

  body(): unknown {
    if (this.#body !== null) return this.#body.parsed
    this.wantsBody = true
    // Ends this check before it asks anyone else: it is made again with the body.
    throw new RescindError('internal_error', 'The body has not been read yet.')
  }

  /** Hono remembers what it parsed, so the route can still have it; what cannot be parsed is for the route to refuse. */
  async withBody(): Promise<this> {
    const isJson = mediaType(this) === 'application/json'
    const parsing: Promise<unknown> = isJson ? this.#request.json() : this.#request.parseBody({ all: true })
    this.#body = { parsed: await parsing.catch(() => undefined) }
    return this
  }
}
