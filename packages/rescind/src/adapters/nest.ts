import type { IncomingMessage, ServerResponse } from 'node:http'
import type { CanActivate, ExecutionContext, HttpException } from '@nestjs/common'
import { configError } from '../base/errors.ts'
import type { RequestGuard } from '../session/request-guard.ts'
import { type Admission, type Admitted, admit, type RouteOptions, renewal } from './shared/admission.ts'
import { beforeHead } from './shared/before-head.ts'
import { NodeView } from './shared/node.ts'
import { createSideSlot } from './shared/slot.ts'

/** The parts of `@nestjs/common` that the guard uses: they have to be those of your app. */
export interface NestParts {
  readonly HttpException: new (response: object, status: number, options: { cause: unknown }) => HttpException
  createParamDecorator(factory: (data: unknown, context: ExecutionContext) => unknown): () => ParameterDecorator
}

/** Decorates a parameter that gets the principal. A parameter of a type that cannot hold it does not compile. */
export type PrincipalDecorator<A> = <T extends object, K extends keyof T & (string | symbol), I extends number>(
  target: T,
  key: K,
  index: I & (T[K] extends (...args: infer Held) => unknown ? ([A] extends [Held[I]] ? I : never) : never),
) => void

/** A guard for `@UseGuards`, or for `app.useGlobalGuards`. */
export interface NestGuard<A> extends CanActivate {
  canActivate(context: ExecutionContext): boolean | Promise<boolean>
  /** Makes the decorator of a parameter that gets the principal. */
  param(): PrincipalDecorator<A>
  /** Who makes this request. Throws `invalid_config` on a route that is not behind this guard. */
  principal(context: ExecutionContext): A
}

/** A request and a response of Express, or those of Fastify with the ones of Node within. */
type NestRequest = IncomingMessage & { raw?: IncomingMessage; originalUrl?: string; body?: unknown; auth?: unknown }
type NestResponse = ServerResponse & { raw?: ServerResponse; header(name: string, value: string): unknown }

/**
 * A guard that lets a request pass only with a good token. It throws the refusal, as guards do in Nest: an
 * `HttpException` with the body and status of the answer, whose headers are on the response, and the error as its cause.
 * HTTP only; on Express and on Fastify.
 *
 * @typeParam P what the guard says of who makes a request: with your types of user and claims
 * @example
 * ```ts
 * import * as nest from '@nestjs/common'
 *
 * const guard = nestGuard(auth, nest)
 *
 * @Controller()
 * class Profile {
 *   @Get('me')
 *   @UseGuards(guard)
 *   me(@guard.param() principal: Principal<User>) {
 *     return { name: principal.user.name }
 *   }
 * }
 * ```
 */
export function nestGuard<P, O, const Optional extends boolean | undefined = false>(
  auth: RequestGuard<P, O>,
  nest: NestParts,
  options?: RouteOptions<O, Optional>,
): NestGuard<Admitted<P, Optional>> {
  const slot = createSideSlot<Admitted<P, Optional>>()
  const principal = (context: ExecutionContext) => slot.read(context.switchToHttp().getRequest<object>())
  const param = nest.createParamDecorator((_data, context) => principal(context))
  return {
    principal,
    param: () => {
      const decorate = param()
      return (target, key, index) => decorate(target, key, index)
    },
    canActivate(context) {
      if (context.getType() !== 'http') throw configError('nestGuard guards routes of HTTP, and nothing else')
      const http = context.switchToHttp()
      const [request, response] = [http.getRequest<NestRequest>(), http.getResponse<NestResponse>()]
      const proceed = (admission: Admission<Admitted<P, Optional>>) => {
        if (!admission.ok) {
          const { status, headers, body } = admission.answer
          for (const [name, value] of Object.entries(headers)) response.header(name, value)
          throw new nest.HttpException(body, status, { cause: admission.error })
        }
        const { principal } = admission
        slot.put(request, principal)
        request.auth = principal
        if (principal !== null && auth.renews(principal)) {
          beforeHead(response.raw ?? response, (setCookies) => renewal(auth, principal, setCookies))
        }
        return true
      }
      const view = new NodeView(request.raw ?? request, request.originalUrl ?? request.url, request)
      const admission = admit(auth, view, options)
      return admission instanceof Promise ? admission.then(proceed) : proceed(admission)
    },
  }
}
