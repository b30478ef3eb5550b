import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as nest from '@nestjs/common'
import express from 'express'
import { type FastifyReply, type FastifyRequest, fastify } from 'fastify'
import { type Handler, Hono } from 'hono'
import { expressGuard } from 'rescind/express'
import { fastifyAuth, fastifyGuard } from 'rescind/fastify'
import { honoGuard } from 'rescind/hono'
import { nestGuard } from 'rescind/nest'
import { nodeGuard } from 'rescind/node'
import { eventually } from 'rescind/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openRescind } from '../session/helpers.ts'

const NEAR_ITS_END = { locations: ['cookie', 'header'], implicitRefreshSeconds: 600 } as const

async function openLogin(options: Parameters<typeof openRescind>[0] = {}) {
  const { auth, clock } = await openRescind(options)
  const { accessToken } = await auth.issue({ sub: 'alice' })
  return { auth, clock, accessToken, headers: { authorization: `Bearer ${accessToken}` } }
}

async function listen(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('Express', () => {
  it('is guarded at a mounted router, which sees the whole address', async () => {
    const { auth, accessToken } = await openLogin({
      locations: ['query'],
      answers: { token_missing: (_error, { url }) => ({ status: 401, headers: {}, body: { url } }) },
    })
    const guard = expressGuard(auth)
    const router = express.Router().get('/me', guard, (request, response) => {
      response.json({ sub: guard.principal(request).sub, same: guard.principal(request) === request.auth })
    })
    const origin = await listen(express().use('/api', router))
    expect(await (await fetch(`${origin}/api/me?token=${accessToken}`)).json()).toEqual({ sub: 'alice', same: true })
    expect(await (await fetch(`${origin}/api/me?a=b`)).json()).toEqual({ url: '/api/me?a=b' })
  })

  it('takes a token that a middleware has put into the header', async () => {
    const { auth, headers } = await openLogin()
    const guard = expressGuard(auth)
    const app = express()
    app.use((request, _response, next) => {
      Object.assign(request.headers, headers)
      next()
    })
    app.get('/', guard, (request, response) => response.json({ sub: guard.principal(request).sub }))
    expect(await (await fetch(await listen(app))).json()).toEqual({ sub: 'alice' })
  })

  it('is told of a route that asks a guard it is not behind', async () => {
    const { auth, headers } = await openLogin()
    const [guard, other] = [expressGuard(auth), expressGuard(auth)]
    const app = express().get('/', guard, (request, response) => response.json({ sub: other.principal(request).sub }))
    let code = ''
    app.use(
      (error: { code: string }, _request: express.Request, response: express.Response, _next: express.NextFunction) => {
        code = error.code
        response.sendStatus(500)
      },
    )
    expect((await fetch(await listen(app), { headers })).status).toBe(500)
    expect(code).toBe('invalid_config')
  })
})

describe('node:http', () => {
  it('writes no refusal to a response that was sent meanwhile', async () => {
    const { auth } = await openLogin()
    const guarded = nodeGuard({ ...auth, answer: async (error, request) => auth.answer(error, request) })
    const refused: unknown[] = []
    const origin = await listen(async (request, response) => {
      const deciding = guarded(() => {})(request, response)
      response.writeHead(503).end('too late')
      refused.push(await deciding)
    })
    const response = await fetch(origin)
    expect([response.status, await response.text()]).toEqual([503, 'too late'])
    await eventually(() => refused.length === 1)
  })
})

describe('Fastify', () => {
  it('adds nothing to an array of cookies that belongs to the route', async () => {
    const { auth, clock, accessToken } = await openLogin(NEAR_ITS_END)
    const app = fastify()
    await app.register(fastifyAuth)
    const mine = ['theme=dark', 'lang=en']
    app.get('/', { onRequest: fastifyGuard(auth) }, (_request, reply) => reply.header('set-cookie', mine).send({}))
    clock.advance(400_000)
    const cookies = { '__Host-access_token': accessToken }
    for (const _time of [1, 2]) {
      const { headers } = await app.inject({ url: '/', cookies })
      expect(headers['set-cookie']).toHaveLength(4)
    }
    expect(mine).toEqual(['theme=dark', 'lang=en'])
  })

  it('has null at a route without a guard, and the plugin makes do with a decorated request', async () => {
    const app = fastify()
    app.decorateRequest('auth', null)
    await app.register(fastifyAuth)
    app.get('/', (request) => ({ auth: request.auth }))
    expect((await app.inject('/')).json()).toEqual({ auth: null })
  })
})

describe('Hono', () => {
  it('keeps the headers that were set before the refusal', async () => {
    const { auth } = await openLogin()
    const app = new Hono()
    app.use(async (c, next) => {
      c.header('access-control-allow-origin', 'https://app.example.com')
      await next()
    })
    app.get('/', honoGuard(auth), (c) => c.text('hello'))
    const response = await app.request('/')
    expect(response.status).toBe(401)
    expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example.com')
  })

  it('takes no place of an answer that a route forgot: the application is told', async () => {
    const { auth, headers } = await openLogin()
    const app = new Hono()
    const told: string[] = []
    app.onError((error, c) => {
      told.push(error.message)
      return c.text('broken', 500)
    })
    const forgetful = (() => {}) as unknown as Handler
    app.get('/', honoGuard(auth), forgetful)
    const response = await app.request('/', { headers })
    expect(response).toBeInstanceOf(Response)
    expect([response.status, await response.text()]).toEqual([500, 'broken'])
    expect(told).toEqual([expect.stringMatching(/not finalized/)])
  })

  it('reads no body where no token is looked for in it', async () => {
    const { auth, headers } = await openLogin()
    const app = new Hono()
    let wasRead = true
    app.post('/', honoGuard(auth), (c) => {
      wasRead = c.req.raw.bodyUsed
      return c.text('hello')
    })
    const body = JSON.stringify({ access_token: 'other' })
    await app.request('/', { method: 'POST', body, headers: { ...headers, 'content-type': 'application/json' } })
    expect(wasRead).toBe(false)
  })

  it('leaves a body that cannot be parsed for the route to refuse', async () => {
    const { auth } = await openLogin({ locations: ['body'] })
    const app = new Hono()
    app.post('/', honoGuard(auth, { optional: true }), async (c) => c.text(await c.req.text()))
    const headers = { 'content-type': 'application/json' }
    const response = await app.request('/', { method: 'POST', body: '{"access_token":', headers })
    expect([response.status, await response.text()]).toEqual([200, '{"access_token":'])
  })
})

describe('Nest on Fastify', () => {
  /** What Nest hands to a guard on its Fastify platform. */
  function contextOf(request: FastifyRequest, reply: FastifyReply, type = 'http') {
    return {
      getType: () => type,
      switchToHttp: () => ({ getRequest: () => request, getResponse: () => reply }),
    } as unknown as nest.ExecutionContext
  }

  it('passes, refuses with an HttpException, and renews', async () => {
    const { auth, clock, accessToken, headers } = await openLogin(NEAR_ITS_END)
    const app = fastify()
    const guard = nestGuard(auth, nest)
    app.get('/', async (request, reply) => {
      const context = contextOf(request, reply)
      try {
        await guard.canActivate(context)
      } catch (error) {
        // As Nest does, which lets no error through to Fastify.
        if (!(error instanceof nest.HttpException)) throw error
        return reply.code(error.getStatus()).send({ ...Object(error.getResponse()), cause: Object(error.cause).name })
      }
      return reply.header('set-cookie', 'theme=dark').send({ sub: guard.principal(context).sub })
    })
    const origin = await app.listen({ port: 0, host: '127.0.0.1' })
    onTestFinished(() => app.close())

    expect(await (await fetch(origin, { headers })).json()).toEqual({ sub: 'alice' })
    const refused = await fetch(origin)
    expect(refused.status).toBe(401)
    expect(refused.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(refused.headers.get('www-authenticate')).toBe('Bearer')
    expect(await refused.json()).toMatchObject({ code: 'token_missing', cause: 'RescindError' })
    clock.advance(400_000)
    const renewed = await fetch(origin, { headers: { cookie: `__Host-access_token=${accessToken}` } })
    expect(renewed.headers.getSetCookie()).toHaveLength(3)
  })

  it('guards nothing but HTTP', async () => {
    const { auth } = await openLogin()
    const context = contextOf({} as FastifyRequest, {} as FastifyReply, 'ws')
    expect(() => nestGuard(auth, nest).canActivate(context)).toThrow(/HTTP/)
  })
})
