// Each framework's plain route, and the same one guarded. They answer with the same number of bytes.
import { createAuth } from './auth.mjs'
import { userFor } from './tokens.mjs'

const sub = userFor(0)
const plainAnswer = () => ({ sub })

async function fastify(addRoute) {
  const { default: createApp } = await import('fastify')
  const app = createApp()
  await addRoute(app)
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app.server.address().port
}

async function express(addRoute) {
  const { default: createApp } = await import('express')
  const app = createApp()
  await addRoute(app)
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return server.address().port
}

async function hono(addRoute) {
  const { Hono } = await import('hono')
  const { serve } = await import('@hono/node-server')
  const app = new Hono()
  await addRoute(app)
  return new Promise((resolve) => {
    serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => resolve(port))
  })
}

/** By name, what starts the server and tells its port. */
export const frameworks = {
  'Fastify plain': () => fastify((app) => app.get('/', plainAnswer)),
  'Fastify guarded': () =>
    fastify(async (app) => {
      const { fastifyAuth, fastifyGuard } = await import('rescind/fastify')
      await app.register(fastifyAuth)
      const guard = fastifyGuard(await createAuth())
      app.get('/', { onRequest: guard }, (request) => ({ sub: guard.principal(request).sub }))
    }),
  'Express plain': () => express((app) => app.get('/', (_request, response) => response.json(plainAnswer()))),
  'Express guarded': () =>
    express(async (app) => {
      const { expressGuard } = await import('rescind/express')
      const guard = expressGuard(await createAuth())
      app.get('/', guard, (request, response) => response.json({ sub: guard.principal(request).sub }))
    }),
  'Hono plain': () => hono((app) => app.get('/', (c) => c.json(plainAnswer()))),
  // A single handler is called without a promise: this tells how much of the price is that of any middleware.
  'Hono empty middleware': () =>
    hono((app) =>
      app.get(
        '/',
        async (_c, next) => {
          await next()
        },
        (c) => c.json(plainAnswer()),
      ),
    ),
  'Hono guarded': () =>
    hono(async (app) => {
      const { honoGuard } = await import('rescind/hono')
      app.get('/', honoGuard(await createAuth()), (c) => c.json({ sub: c.get('auth').sub }))
    }),
}
