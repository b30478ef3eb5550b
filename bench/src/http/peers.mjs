// What others offer to guard a route with, each on Fastify and as its own documentation sets it up.
import { createHmac } from 'node:crypto'
import createApp from 'fastify'
import { REVOCATIONS, revokedId, SECRET, userFor } from './tokens.mjs'

const SESSIONS = 1_000

async function listen(app) {
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app.server.address().port
}

async function fastifyJwt(options) {
  const { default: jwt } = await import('@fastify/jwt')
  const app = createApp()
  app.register(jwt, { secret: SECRET, ...options })
  app.after(() => {
    app.get('/', { onRequest: (request) => request.jwtVerify() }, (request) => ({ sub: request.user.sub }))
  })
  return listen(app)
}

async function fastifyJwtWithRedis({ redisUrl }) {
  const { createClient } = await import('redis')
  const redis = await createClient({ url: redisUrl }).connect()
  const revoked = Array.from({ length: REVOCATIONS }, (_, n) => [`revoked:${revokedId(n)}`, ''])
  await redis.mSet(revoked)
  const trusted = async (_request, { jti }) => (await redis.get(`revoked:${jti}`)) === null
  return fastifyJwt({ trusted })
}

async function betterAuthSession() {
  const { betterAuth } = await import('better-auth')
  const { getMigrations } = await import('better-auth/db/migration')
  const { fromNodeHeaders } = await import('better-auth/node')
  const { default: Database } = await import('better-sqlite3')
  // A temporary database: a file of its own, all of which fits into memory.
  const database = new Database('')
  const auth = betterAuth({ database, secret: SECRET, baseURL: 'http://127.0.0.1', telemetry: { enabled: false } })
  await (await getMigrations(auth.options)).runMigrations()
  const app = createApp()
  app.get('/', async (request, reply) => {
    const session = await auth.api.getSession({ headers: fromNodeHeaders(request.headers) })
    if (session === null) return reply.code(401).send()
    return { sub: session.user.name }
  })
  return { port: await listen(app), headerLines: await betterAuthCookies(await auth.$context) }
}

/** Sessions as a login makes them, without the hashing of a thousand passwords. */
async function betterAuthCookies({ internalAdapter, authCookies }) {
  const lines = []
  for (let n = 0; n < SESSIONS; n += 1) {
    const user = await internalAdapter.createUser({ name: userFor(n), email: `${userFor(n)}@example.com` })
    const { token } = await internalAdapter.createSession(user.id)
    const signature = createHmac('sha256', SECRET).update(token).digest('base64')
    lines.push(`Cookie: ${authCookies.sessionToken.name}=${encodeURIComponent(`${token}.${signature}`)}`)
  }
  return lines
}

/** By name, what starts the server and tells its port, and the header lines to send where the tokens do not serve it. */
export const peers = {
  '@fastify/jwt': () => fastifyJwt({}),
  '@fastify/jwt cached': () => fastifyJwt({ verify: { cache: true } }),
  '@fastify/jwt + Redis': fastifyJwtWithRedis,
  'better-auth': betterAuthSession,
}
