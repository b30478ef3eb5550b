import 'reflect-metadata'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve } from '@hono/node-server'
import * as nest from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import express from 'express'
import { fastify } from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { expressGuard } from 'rescind/express'
import { fastifyAuth, fastifyGuard } from 'rescind/fastify'
import { honoGuard } from 'rescind/hono'
import { koaGuard } from 'rescind/koa'
import { nestGuard } from 'rescind/nest'
import { nodeGuard } from 'rescind/node'
import type { AdapterUnderTest, GuardedRoute } from 'rescind/testing'

type Serve = AdapterUnderTest['serve']

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

const serveExpress: Serve = ({ guard, options, handle }) => {
  const app = express()
  const guarded = expressGuard(guard, options)
  app.use(express.json(), express.urlencoded())
  app.all('/', guarded, async (request, response) => {
    const { setCookies, body } = await handle(guarded.principal(request), request.body)
    for (const cookie of setCookies) response.append('set-cookie', cookie)
    response.json(body)
  })
  // Express would print what a handler throws.
  app.set('env', 'test')
  return listening(createServer(app))
}

const serveFastify: Serve = async ({ guard, options, handle }) => {
  const app = fastify({ exposeHeadRoutes: false })
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, text, done) => {
    done(null, Object.fromEntries(new URLSearchParams(String(text))))
  })
  await app.register(fastifyAuth)
  const guarded = fastifyGuard(guard, options)
  app.route({
    method: METHODS,
    url: '/',
    preValidation: guarded,
    async handler(request, reply) {
      const { setCookies, body } = await handle(guarded.principal(request), request.body)
      for (const cookie of setCookies) reply.header('set-cookie', cookie)
      return body
    },
  })
  const origin = await app.listen({ port: 0, host: '127.0.0.1' })
  return { origin, close: () => app.close() }
}

const serveHono: Serve = async ({ guard, options, handle }) => {
  const app = new Hono()
  app.all('/', honoGuard(guard, options), async (c) => {
    const isForm = c.req.header('content-type')?.includes('form') === true
    const parsed = c.req.method === 'POST' ? await (isForm ? c.req.parseBody() : c.req.json().catch(() => null)) : null
    const { setCookies, body } = await handle(c.get('auth'), parsed)
    for (const cookie of setCookies) c.header('set-cookie', cookie, { append: true })
    return c.json(body)
  })
  app.onError((_error, c) => c.text('failed', 500))
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
  await once(server, 'listening')
  return running(server as Server)
}

const serveKoa: Serve = ({ guard, options, handle }) => {
  const app = new Koa()
  const guarded = koaGuard(guard, options)
  app.silent = true
  app.use(async (ctx, next) => {
    Object.assign(ctx.request, { body: await readBody(ctx.req) })
    await next()
  })
  app.use(guarded)
  app.use(async (ctx) => {
    const { setCookies, body } = await handle(guarded.principal(ctx), Reflect.get(ctx.request, 'body'))
    for (const cookie of setCookies) ctx.append('set-cookie', cookie)
    ctx.body = body
  })
  return listening(createServer(app.callback()))
}

const serveNode: Serve = ({ guard, options, handle }) => {
  const guarded = nodeGuard(
    guard,
    options,
  )(async (request: IncomingMessage, response, principal) => {
    const { setCookies, body } = await handle(principal, Reflect.get(request, 'body'))
    response.writeHead(200, { 'content-type': 'application/json', 'Set-Cookie': setCookies })
    response.write(' ')
    response.end(JSON.stringify(body))
  })
  const server = createServer(async (request, response) => {
    try {
      await guarded(Object.assign(request, { body: await readBody(request) }), response)
    } catch {
      response.writeHead(500).end()
    }
  })
  return listening(server)
}

const serveNest: Serve = async ({ guard, options, handle }) => {
  const guarded = nestGuard(guard, nest, options)
  class Controller {
    async handle(principal: Parameters<GuardedRoute['handle']>[0], body: unknown, response: express.Response) {
      const answer = await handle(principal, body)
      for (const cookie of answer.setCookies) response.append('set-cookie', cookie)
      response.status(200)
      return answer.body
    }
  }
  // What decorators would do, in a language that has none.
  nest.Controller()(Controller)
  nest.All()(Controller.prototype, 'handle', descriptor(Controller.prototype, 'handle'))
  nest.UseGuards(guarded)(Controller.prototype, 'handle', descriptor(Controller.prototype, 'handle'))
  guarded.param()(Controller.prototype, 'handle', 0)
  nest.Body()(Controller.prototype, 'handle', 1)
  nest.Res({ passthrough: true })(Controller.prototype, 'handle', 2)
  class App {}
  nest.Module({ controllers: [Controller] })(App)
  const app = await NestFactory.create(App, { logger: false })
  await app.listen(0, '127.0.0.1')
  return { origin: await app.getUrl(), close: () => app.close() }
}

/** Every adapter, with the framework that it is for. */
export const adaptersUnderTest: readonly AdapterUnderTest[] = [
  { name: 'express', serve: serveExpress },
  { name: 'fastify', serve: serveFastify },
  { name: 'hono', serve: serveHono },
  { name: 'koa', serve: serveKoa },
  { name: 'nest', serve: serveNest },
  { name: 'node', serve: serveNode },
]

function descriptor(target: object, key: string): PropertyDescriptor {
  const found = Object.getOwnPropertyDescriptor(target, key)
  if (found === undefined) throw new Error(`there is no ${key}`)
  return found
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += chunk
  if (text === '') return undefined
  return request.headers['content-type'] === 'application/json'
    ? JSON.parse(text)
    : Object.fromEntries(new URLSearchParams(text))
}

async function listening(server: Server) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return running(server)
}

function running(server: Server) {
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
