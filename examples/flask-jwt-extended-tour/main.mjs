// Every section of the guide of flask-jwt-extended as a route, over the compat module.
import { fastify } from 'fastify'
import { RescindError } from 'rescind'
import { createFlaskJwt, fromFlaskConfig } from 'rescind/compat/flask-jwt-extended'
import { fastifyAuth, fastifyGuard } from 'rescind/fastify'
import { memoryStore } from 'rescind/stores/memory'
import { serve } from '../support/serve.mjs'
import { chosenLoaders } from './loaders.mjs'
import { decodeOrder, mintOrder } from './orders.mjs'
import { findUser, userNamed } from './users.mjs'

const { JWT_CONFIG = '{}', LOADERS = '', JWT_SECRET_KEY = 'super-secret-super-secret-super-secret' } = process.env
const given = parsed(JWT_CONFIG)
if (given?.constructor !== Object) throw new Error('JWT_CONFIG must be a JSON object: {"JWT_COOKIE_SECURE":true}')
const config = fromFlaskConfig({ JWT_SECRET_KEY, ...given })
const jwt = createFlaskJwt(config, {
  loaders: chosenLoaders(LOADERS),
  store: memoryStore(),
  revocation: { allowVolatile: true },
  // The guide renews tokens of an hour in their last half.
  implicitRefresh: { seconds: config.settings.JWT_ACCESS_TOKEN_EXPIRES / 2 },
  onWarning: (message) => console.error(message),
})
await jwt.ready()

/** Answers a refusal. Why something failed here is for the log, and not for the client. */
const answer = async (error) => {
  const answered = await jwt.answer(error)
  if (answered.status >= 500) console.error(error)
  return answered
}
const answerError = async (error, _request, reply) => {
  const { statusCode = 500, message } = error
  if (statusCode < 500) return reply.code(statusCode).send({ msg: message })
  const known = error instanceof RescindError ? error : new RescindError('internal_error', message, { cause: error })
  const { status, headers, body } = await answer(known)
  return reply.code(status).headers(headers).send(body)
}
const app = fastify({ ajv: { customOptions: { coerceTypes: false } }, frameworkErrors: answerError })
await app.register(fastifyAuth)
app.setErrorHandler(answerError)
app.setNotFoundHandler((_request, reply) => reply.code(404).send({ msg: 'Not Found' }))

// As Flask does it: a body that cannot be read has nothing in it, and a GET request may have one.
const readForm = (text) => Object.fromEntries(new URLSearchParams(text))
const readers = { 'application/json': parsed, 'application/x-www-form-urlencoded': readForm }
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', { parseAs: 'string' }, async ({ headers }, text) => {
  const [type] = (headers['content-type'] ?? '').split(';')
  return text === '' ? undefined : (readers[type.trim().toLowerCase()]?.(text) ?? null)
})
app.addHttpMethod('GET', { hasBody: true, overrideExisting: true })

/** A route with a guard before it; the handler is told who makes the request. */
const route = (method, url, options, handler) => {
  const guard = fastifyGuard({ ...jwt, answer }, options)
  const guarded = (request, reply) => handler(guard.principal(request), request, reply)
  app.route({ method, url, preHandler: guard, handler: guarded })
}

// Basic use, and tokens of both kinds. Administrators get a claim that says so.
const logIn = async (user) => {
  const additionalClaims = user.isAdministrator ? { is_administrator: true } : {}
  return {
    access_token: await jwt.createAccessToken(user.username, { fresh: true, additionalClaims }),
    refresh_token: await jwt.createRefreshToken(user.username, { additionalClaims }),
  }
}
/** A route for those who know a password; the others are refused. */
const loginRoute = (url, answerTo, userOf = findUser) =>
  app.post(url, async ({ body }, reply) => {
    const user = userOf(body)
    return user === null ? reply.code(401).send({ msg: 'Bad username or password' }) : answerTo(user, reply)
  })
loginRoute('/login', logIn)
// Cookies. The guide's route asks nobody who they are; who sends a body must prove it.
const mayOmitBody = (body) => (body === undefined ? userNamed('user') : findUser(body))
const logInWithCookies = async (user, reply) => {
  const { access_token, refresh_token } = await logIn(user)
  const cookies = [...(await jwt.setAccessCookies(access_token)), ...(await jwt.setRefreshCookies(refresh_token))]
  return reply.header('set-cookie', cookies).send({ msg: 'login successful' })
}
loginRoute('/login_with_cookies', logInWithCookies, mayOmitBody)
app.post('/logout_with_cookies', (_request, reply) =>
  reply.header('set-cookie', [...jwt.unsetJwtCookies()]).send({ msg: 'logout successful' }),
)
// Protected routes, optional ones, and those that look for their token in one place.
const whoAndWhere = ({ identity, location }) => ({ logged_in_as: identity, location })
route(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'], '/protected', {}, whoAndWhere)
route('OPTIONS', '/protected', {}, () => ({ options: true }))
const whoIfAnybody = (principal) => ({ logged_in_as: principal?.identity ?? 'anonymous user' })
route(['GET', 'POST'], '/optionally_protected', { optional: true }, whoIfAnybody)
for (const location of ['headers', 'cookies', 'json', 'query_string']) {
  route(['GET', 'POST'], `/only_${location}`, { locations: location }, whoAndWhere)
}
// Refreshing, and freshness.
const refreshed = async ({ identity }) => ({ access_token: await jwt.createAccessToken(identity) })
route('POST', '/refresh', { refresh: true }, refreshed)
route('POST', '/refresh_cookies', { refresh: true, locations: 'cookies' }, async ({ identity }, _request, reply) => {
  const cookies = await jwt.setAccessCookies(await jwt.createAccessToken(identity))
  return reply.header('set-cookie', [...cookies]).send({ msg: 'refreshed' })
})
route('GET', '/fresh', { fresh: true }, () => ({ foo: 'bar' }))
// Users, claims, and a guard of one's own.
route('GET', '/whoami', {}, ({ user, identity }) => user ?? { id: null, username: identity })
route('GET', '/claims', { verifyType: false }, ({ claims, header }) => ({ claims, header }))
route('GET', '/admin', {}, ({ claims }, _request, reply) =>
  claims.is_administrator === true ? { foo: 'bar' } : reply.code(403).send({ msg: 'Admins only!' }),
)

/** The id that is to be revoked. Tokens of somebody else's making may have none, or one that no store would keep. */
const idIn = (claims, name = 'jti', id = claims[name]) => {
  if (typeof id === 'string' && id.length <= 512 && /^[^\p{Surrogate}\0]+$/u.test(id)) return id
  throw Object.assign(new Error(`Missing claim: ${name}`), { statusCode: 422 })
}
const targetOf = (claims) => ({ jti: idIn(claims), expiresAtMs: claims.exp && claims.exp * 1000 })

// Revocation: one route for tokens of both types.
route('DELETE', '/logout', { verifyType: false }, async (principal) => {
  await jwt.revoke.token(targetOf(principal.claims), { by: String(principal.identity), reason: 'logout' })
  const type = principal.claims.type === 'refresh' ? 'Refresh' : 'Access'
  return { msg: `${type} token successfully revoked` }
})
route('GET', '/skip_revocation', { skipRevocationCheck: true }, () => ({ foo: 'bar' }))
// Three ways to revoke both tokens of a login: the client sends the other one, the access token names it, or all die.
const revokeAll = (...targets) => Promise.all(targets.map((target) => jwt.revoke.token(target)))
route('DELETE', '/logout_both', {}, async (principal, { body }, reply) => {
  const refresh = await jwt.decodeToken(body?.refresh_token)
  if (refresh.sub !== principal.claims.sub) return reply.code(403).send({ msg: 'Not your token!' })
  await revokeAll(targetOf(principal.claims), targetOf(refresh))
  return { msg: 'Both tokens successfully revoked' }
})
loginRoute('/login_linked', async ({ username }) => {
  const refresh_token = await jwt.createRefreshToken(username)
  const additionalClaims = { refresh_jti: await jwt.getJti(refresh_token) }
  return { access_token: await jwt.createAccessToken(username, { additionalClaims }), refresh_token }
})
route('DELETE', '/logout_linked', {}, async ({ claims }) => {
  await revokeAll(targetOf(claims), { jti: idIn(claims, 'refresh_jti') })
  return { msg: 'Both tokens successfully revoked' }
})
route('DELETE', '/logout_everywhere', { verifyType: false }, async ({ identity }) => {
  await jwt.revoke.subject(String(identity))
  return { msg: 'All tokens successfully revoked' }
})
// Tokens by hand: whoever can reach these routes can be anyone.
const orderOf = (body) => ({
  schema: { body },
  errorHandler(error, _request, reply) {
    if (!error.validation && !(error instanceof RescindError)) throw error
    return reply.code(400).send({ error: error.message })
  },
})
app.post('/mint', orderOf(mintOrder), async ({ body }) => {
  const { identity, type, fresh_for, fresh, expires_delta, claims, headers } = body
  const options = { expiresDelta: expires_delta ?? undefined, additionalClaims: claims, additionalHeaders: headers }
  if (type === 'refresh') return { token: await jwt.createRefreshToken(identity, options) }
  return { token: await jwt.createAccessToken(identity, { ...options, fresh: fresh_for ?? fresh ?? false }) }
})
app.post('/decode', orderOf(decodeOrder), async ({ body: { token, csrf_value, allow_expired } }) => ({
  claims: await jwt.decodeToken(token, { csrfValue: csrf_value, allowExpired: allow_expired }),
}))

app.addHook('onClose', () => jwt.close())
await serve(app)

/** `undefined` for what is no JSON. */
function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {}
}
