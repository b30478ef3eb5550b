import * as nest from '@nestjs/common'
import express from 'express'
import { fastify } from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import type { CheckOptions, Principal, RequestGuard, Rescind } from 'rescind'
import { expressGuard } from 'rescind/express'
import { fastifyAuth, fastifyGuard } from 'rescind/fastify'
import { honoGuard } from 'rescind/hono'
import { koaGuard } from 'rescind/koa'
import { nestGuard } from 'rescind/nest'
import { nodeGuard } from 'rescind/node'
import { type AdapterUnderTest, describeAdapter } from 'rescind/testing'
import { describe, expectTypeOf, it } from 'vitest'

interface User {
  readonly name: string
}
interface Claims {
  readonly role: 'admin' | 'member'
}
type Who = Principal<User, Claims>

/** A guard of another make, with options of its own. */
interface OwnOptions {
  readonly optional?: boolean | undefined
  readonly refresh?: boolean
}

const auth = {} as Rescind<User, Claims>
const own = {} as RequestGuard<{ id: number }, OwnOptions>
const unsure = {} as CheckOptions

describe('expressGuard', () => {
  const app = express()

  it('gives the principal with its types, and leaves those of the route alone', () => {
    const guard = expressGuard(auth, { fresh: true })
    app.get('/users/:id', guard, (request, response) => {
      expectTypeOf(guard.principal(request)).toEqualTypeOf<Who>()
      expectTypeOf(guard.principal(request).user.name).toEqualTypeOf<string>()
      expectTypeOf(guard.principal(request).claims.role).toEqualTypeOf<'admin' | 'member'>()
      expectTypeOf(request.params.id).toEqualTypeOf<string>()
      expectTypeOf(request.auth).toEqualTypeOf<Principal | null | undefined>()
      response.json({})
    })
    app.use(guard)
  })

  it('may give null where the guard is optional, or may be', () => {
    expectTypeOf(expressGuard(auth).principal).returns.toEqualTypeOf<Who>()
    expectTypeOf(expressGuard(auth, { optional: false }).principal).returns.toEqualTypeOf<Who>()
    expectTypeOf(expressGuard(auth, { optional: true }).principal).returns.toEqualTypeOf<Who | null>()
    expectTypeOf(expressGuard(auth, { optional: true, type: 'any' }).principal).returns.toEqualTypeOf<Who | null>()
    expectTypeOf(expressGuard(auth, unsure).principal).returns.toEqualTypeOf<Who | null>()
  })

  it('takes the options of the guard that it is given', () => {
    expectTypeOf(expressGuard(own, { refresh: true }).principal).returns.toEqualTypeOf<{ id: number }>()
    expectTypeOf(expressGuard(own, { optional: true }).principal).returns.toEqualTypeOf<{ id: number } | null>()
    // @ts-expect-error an option of another guard
    expressGuard(own, { fresh: true })
    // @ts-expect-error a typing mistake beside a good option must not go unseen
    expressGuard(auth, { type: 'any', frehs: true })
    // @ts-expect-error not one of the types
    expressGuard(auth, { type: 'acces' })
  })
})

describe('fastifyGuard', () => {
  it('gives the principal with its types, at every hook and on typed routes', () => {
    const app = fastify()
    app.register(fastifyAuth)
    const guard = fastifyGuard(auth)
    const maybe = fastifyGuard(auth, { optional: true })
    app.get('/me', { onRequest: guard }, (request) => {
      expectTypeOf(guard.principal(request)).toEqualTypeOf<Who>()
      expectTypeOf(maybe.principal(request)).toEqualTypeOf<Who | null>()
      expectTypeOf(request.auth).toEqualTypeOf<Principal | null>()
      return {}
    })
    app.post<{ Body: { a: 1 } }>('/', { preValidation: guard, preHandler: [maybe] }, (request) => {
      expectTypeOf(request.body).toEqualTypeOf<{ a: 1 }>()
      expectTypeOf(guard.principal(request).user).toEqualTypeOf<User>()
      return {}
    })
    app.addHook('onRequest', guard)
    // @ts-expect-error a typing mistake
    fastifyGuard(auth, { optionl: true })
  })
})

describe('honoGuard', () => {
  it('gives the routes behind it c.get("auth") with its types', () => {
    new Hono()
      .get('/me/:id', honoGuard(auth), (c) => {
        expectTypeOf(c.get('auth')).toEqualTypeOf<Who>()
        expectTypeOf(c.var.auth.user.name).toEqualTypeOf<string>()
        expectTypeOf(c.req.param('id')).toEqualTypeOf<string>()
        return c.json({})
      })
      .get('/maybe', honoGuard(auth, { optional: true }), (c) => {
        expectTypeOf(c.get('auth')).toEqualTypeOf<Who | null>()
        return c.json({})
      })
      .use(honoGuard(own))
      .get('/own', (c) => {
        expectTypeOf(c.get('auth')).toEqualTypeOf<{ id: number }>()
        return c.json({})
      })
    // @ts-expect-error a typing mistake
    honoGuard(auth, { optionl: true })
  })
})

describe('koaGuard', () => {
  it('gives the principal with its types, by the guard and by the state', () => {
    const guard = koaGuard(auth)
    const maybe = koaGuard(auth, { optional: true })
    const app = new Koa()
    app.use(guard)
    app.use((ctx) => {
      expectTypeOf(guard.principal(ctx)).toEqualTypeOf<Who>()
      expectTypeOf(maybe.principal(ctx)).toEqualTypeOf<Who | null>()
    })
    new Koa<{ auth: Who }>().use(guard).use((ctx) => {
      expectTypeOf(ctx.state.auth).toEqualTypeOf<Who>()
    })
    // @ts-expect-error a typing mistake
    koaGuard(auth, { optionl: true })
  })
})

describe('nestGuard', () => {
  class Controller {
    me(_who: Who, _note: string) {}
    maybe(_who: Who | null) {}
    unknown(_who: unknown) {}
  }

  it('decorates only parameters that can hold its principal', () => {
    const guard = nestGuard(auth, nest)
    nest.UseGuards(guard)
    expectTypeOf(guard.principal).returns.toEqualTypeOf<Who>()
    guard.param()(Controller.prototype, 'me', 0)
    guard.param()(Controller.prototype, 'maybe', 0)
    guard.param()(Controller.prototype, 'unknown', 0)
    // @ts-expect-error a principal is no string
    guard.param()(Controller.prototype, 'me', 1)
    // @ts-expect-error there is no such method
    guard.param()(Controller.prototype, 'you', 0)

    const maybe = nestGuard(auth, nest, { optional: true })
    expectTypeOf(maybe.principal).returns.toEqualTypeOf<Who | null>()
    maybe.param()(Controller.prototype, 'maybe', 0)
    // @ts-expect-error there may be no principal
    maybe.param()(Controller.prototype, 'me', 0)
    // @ts-expect-error a typing mistake
    nestGuard(auth, nest, { optionl: true })
  })
})

describe('nodeGuard', () => {
  it('gives the listener the principal with its types', () => {
    nodeGuard(auth)((_request, _response, principal) => {
      expectTypeOf(principal).toEqualTypeOf<Who>()
    })
    nodeGuard(auth, { optional: true })((_request, _response, principal) => {
      expectTypeOf(principal).toEqualTypeOf<Who | null>()
    })
    // @ts-expect-error a typing mistake
    nodeGuard(auth, { optionl: true })
  })
})

describe('the entries', () => {
  it('give nothing that is any', () => {
    expectTypeOf(expressGuard).not.toBeAny()
    expectTypeOf(fastifyGuard).not.toBeAny()
    expectTypeOf(fastifyAuth).not.toBeAny()
    expectTypeOf(honoGuard).not.toBeAny()
    expectTypeOf(koaGuard).not.toBeAny()
    expectTypeOf(nestGuard).not.toBeAny()
    expectTypeOf(nodeGuard).not.toBeAny()
    expectTypeOf(describeAdapter).not.toBeAny()
    expectTypeOf(expressGuard(auth).principal).returns.not.toBeAny()
    expectTypeOf<AdapterUnderTest['serve']>().not.toBeAny()
    expectTypeOf<AdapterUnderTest['serve']>().parameter(0).not.toBeAny()
  })
})
