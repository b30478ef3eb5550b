// Every section of the guide of flask-jwt-extended as a route, over the compat module.
import { fastify } from 'fastify'
import { RescindError } from 'rescind'
import { createFlaskJwt, fromFlaskConfig } from 'rescind/compat/flask-jwt-extended'
import { fastifyAuth, fastifyGuard } from 'rescind/fastify'
import { memoryStore } from 'rescind/stores/memory'
import { chosenLoaders } from './loaders.mjs'
import { findUser, userNamed } from './users.mjs'

const { JWT_CONFIG = '{}', LOADERS = '', PORT = '3000' } = process.env
const { JWT_SECRET_KEY = 'super-secret-super-secret-super-secret' } = process.env

const config = fromFlaskConfig({ JWT_SECRET_KEY, ...JSON.parse(JWT_CONFIG) })
const jwt = createFlaskJwt(config, {
  loaders: chosenLoaders(LOADERS),
  store: memoryStore(),
  revocation: { allowVolatile: true },
  // The guide renews tokens of an hour in their last half.
  implicitRefresh: { seconds: config.settings.JWT_ACCESS_TOKEN_EXPIRES / 2 },
})
await jwt.ready()

const app = fastify()
await app.register(fastifyAuth)
const send = (reply, { status, headers, body }) => reply.code(status).headers(headers).send(body)
app.setErrorHandler(async (error, _request, reply) => {
  if (error instanceof RescindError) return send(reply, await jwt.answer(error))
  return reply.code(error.statusCode ?? 500).send({ msg: error.statusCode ? error.message : 'Internal Server Error' })
})

// As Flask does it: a body that cannot be read is no body, and a GET request may have one.
const readers = {
  'application/json': JSON.parse,
  'application/x-www-form-urlencoded': (text) => Object.fromEntries(new URLSearchParams(text)),
}
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', { parseAs: 'string' }, async ({ headers }, text) => {
  const [type] = (headers['content-type'] ?? '').split(';')
  try {
    return readers[type.trim().toLowerCase()]?.(text)
  } catch {
    return undefined
  }
})
app.addHttpMethod('GET', { hasBody: true, overrideExisting: true })

/** A route with a guard before it; the handler is told who makes the request. */
const route = (method, url, options, handler) => {
  const guard = fastifyGuard(jwt, options)
  const guarded = (request, reply) => handler(guard.principal(request), request, reply)
  app.route({ method, url, preHandler: guard, handler: guarded })
}
const appendCookies = (reply, cookies) => {
  for (const cookie of cookies) reply.header('set-cookie', cookie)
}

// Basic use, and tokens of both kinds. Administrators get a claim that says so.
const logIn = async (user) => {
  const additionalClaims = user.isAdministrator ? { is_administrator: true } : {}
  return {
    access_token: await jwt.createAccessToken(user.username, { fresh: true, additionalClaims }),
    refresh_token: await jwt.createRefreshToken(user.username, { additionalClaims }),
  }
}
app.post('/login', async ({ body }, reply) => {
  const user = findUser(body?.username, body?.password)
  return user === null ? reply.code(401).send({ msg: 'Bad username or password' }) : logIn(user)
})

// Cookies. The guide's route asks nobody who they are; who says so must prove it.
app.post('/login_with_cookies', async ({ body }, reply) => {
  const user = body?.username === undefined ? userNamed('user') : findUser(body.username, body.password)
  if (user === null) return reply.code(401).send({ msg: 'Bad username or password' })
  const { access_token, refresh_token } = await logIn(user)
  appendCookies(reply, await jwt.setAccessCookies(access_token))
  appendCookies(reply, await jwt.setRefreshCookies(refresh_token))
  return { msg: 'login successful' }
})
app.post('/logout_with_cookies', async (_request, reply) => {
  appendCookies(reply, jwt.unsetJwtCookies())
  return { msg: 'logout successful' }
})

// Protected routes, optional ones, and those that look for their token in one place.
const whoAndWhere = ({ identity, location }) => ({ logged_in_as: identity, location })
route(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'], '/protected', {}, whoAndWhere)
route('OPTIONS', '/protected', {}, () => ({ options: true }))
route(['GET', 'POST'], '/optionally_protected', { optional: true }, (principal) => ({
  logged_in_as: principal?.identity ?? 'anonymous user',
}))
for (const location of ['headers', 'cookies', 'json', 'query_string']) {
  route(['GET', 'POST'], `/only_${location}`, { locations: location }, whoAndWhere)
}

// Refreshing, and freshness.
route('POST', '/refresh', { refresh: true }, async ({ identity }) => ({
  access_token: await jwt.createAccessToken(identity),
}))
route('POST', '/refresh_cookies', { refresh: true, locations: 'cookies' }, async ({ identity }, _request, reply) => {
  appendCookies(reply, await jwt.setAccessCookies(await jwt.createAccessToken(identity)))
  return { msg: 'refreshed' }
})
route('GET', '/fresh', { fresh: true }, () => ({ foo: 'bar' }))

// Users, claims, and a guard of one's own.
route('GET', '/whoami', {}, ({ user, identity }) => user ?? { id: null, username: identity })
route('GET', '/claims', { verifyType: false }, ({ claims, header }) => ({ claims, header }))
route('GET', '/admin', {}, ({ claims }, _request, reply) =>
  claims.is_administrator === true ? { foo: 'bar' } : reply.code(403).send({ msg: 'Admins only!' }),
)

// Revocation: one route for tokens of both types.
route('DELETE', '/logout', { verifyType: false }, async (principal) => {
  await jwt.revoke.token(principal, { by: String(principal.identity), reason: 'logout' })
  const type = principal.claims.type === 'refresh' ? 'Refresh' : 'Access'
  return { msg: `${type} token successfully revoked` }
})
route('GET', '/skip_revocation', { skipRevocationCheck: true }, () => ({ foo: 'bar' }))

// Three ways to revoke both tokens of a login: the client sends the other one, the access token names it, or all die.
const targetOf = ({ jti, exp }) => ({ jti, expiresAtMs: exp === undefined ? undefined : exp * 1000 })
route('DELETE', '/logout_both', {}, async (principal, { body }, reply) => {
  const refresh = await jwt.decodeToken(body?.refresh_token)
  if (refresh.sub !== principal.claims.sub) return reply.code(403).send({ msg: 'Not your token!' })
  await Promise.all([jwt.revoke.token(principal), jwt.revoke.token(targetOf(refresh))])
  return { msg: 'Both tokens successfully revoked' }
})
app.post('/login_linked', async ({ body }, reply) => {
  const user = findUser(body?.username, body?.password)
  if (user === null) return reply.code(401).send({ msg: 'Bad username or password' })
  const refresh_token = await jwt.createRefreshToken(user.username)
  const additionalClaims = { refresh_jti: await jwt.getJti(refresh_token) }
  return { access_token: await jwt.createAccessToken(user.username, { additionalClaims }), refresh_token }
})
route('DELETE', '/logout_linked', {}, async (principal) => {
  await Promise.all([jwt.revoke.token(principal), jwt.revoke.token({ jti: principal.claims.refresh_jti })])
  return { msg: 'Both tokens successfully revoked' }
})
route('DELETE', '/logout_everywhere', { verifyType: false }, async ({ identity }) => {
  await jwt.revoke.subject(String(identity))
  return { msg: 'All tokens successfully revoked' }
})

// Tokens by hand: whoever can reach these routes can be anyone.
app.post('/mint', async ({ body }) => {
  const { identity, type = 'access', fresh_for, fresh = false, expires_delta, claims, headers } = body ?? {}
  const options = { expiresDelta: expires_delta, additionalClaims: claims, additionalHeaders: headers }
  if (type === 'refresh') return { token: await jwt.createRefreshToken(identity, options) }
  return { token: await jwt.createAccessToken(identity, { ...options, fresh: fresh_for ?? fresh }) }
})
app.post('/decode', async ({ body }, reply) => {
  try {
    const { token, csrf_value, allow_expired } = body ?? {}
    return { claims: await jwt.decodeToken(token, { csrfValue: csrf_value, allowExpired: allow_expired }) }
  } catch (error) {
    if (error instanceof RescindError) return reply.code(400).send({ error: error.message })
    throw error
  }
})

console.log(`listening on ${await app.listen({ port: Number(PORT), host: '127.0.0.1' })}`)
