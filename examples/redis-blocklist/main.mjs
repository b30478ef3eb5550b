// Access and refresh tokens with a blocklist in Redis: written there once at a logout, read from memory ever after.
import { randomBytes, randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import { hash, verify } from '@node-rs/argon2'
import Fastify from 'fastify'
import { createClient } from 'redis'
import { createKey, createKeyRing, createRescind } from 'rescind'
import { fastifyAuth, fastifyGuard } from 'rescind/fastify'
import { redisStore } from 'rescind/stores/redis'
import { serve } from '../support/serve.mjs'
import { signingSecret } from './secret.mjs'

const { REDIS_URL, REDIS_HOST = 'localhost', REDIS_PORT = '6379' } = process.env
const url = REDIS_URL || `redis://${REDIS_HOST}:${REDIS_PORT}`
// A command that waits for Redis to come back would keep its request waiting too.
const redis = createClient({ url, disableOfflineQueue: true })
redis.on('error', (error) => console.error(`Redis: ${error.message || error.code}`))
// The client would go on trying for ever.
const impatience = setTimeout(() => {
  throw new Error('Redis does not answer: start it, or say where it is with REDIS_URL')
}, 3_000)
await redis.connect()
clearTimeout(impatience)

const refuse = (status, detail) => () => ({ status, headers: { 'content-type': 'application/json' }, body: { detail } })
const invalid = refuse(403, { error: 'Token is not valid or expired...', resolution: 'Get new access_token' })
const failed = (error) => {
  console.error(error)
  return refuse(500, 'Internal Server Error')()
}
const anonymous = refuse(403, 'Not authenticated')
const blocked = refuse(403, { error: 'Token is blocked...', resolution: 'Get new access_token' })

const auth = createRescind({
  store: redisStore(redis),
  keys: createKeyRing({ active: createKey(signingSecret(), { alg: 'HS256' }) }),
  accessTtlSeconds: 3_600,
  refreshTtlSeconds: 2 * 86_400,
  onWarning: (message) => console.error(message),
  answers: {
    token_missing: anonymous,
    token_malformed: (_error, request) => (hasBareBearer(request) ? anonymous() : invalid()),
    token_invalid: invalid,
    token_expired: invalid,
    token_revoked: blocked,
    revocation_unavailable: refuse(503, 'Service Unavailable'),
    internal_error: failed,
  },
})
await auth.ready()

const answerError = (error, _request, reply) => {
  const { validation, statusCode = error.status ?? (redis.isReady ? 500 : 503) } = error
  if (validation) return reply.code(422).send({ detail: validation.map(explained) })
  if (statusCode >= 500) console.error(error)
  return reply.code(statusCode).send({ detail: STATUS_CODES[statusCode] })
}
const ajv = { customOptions: { coerceTypes: false, allErrors: true } }
const app = Fastify({ bodyLimit: 16_384, ajv, frameworkErrors: answerError })
await app.register(fastifyAuth)
// What cannot be read is no body: a route that needs one says so by its schema.
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', { parseAs: 'string' }, (_request, text, done) => done(null, parsed(text)))
app.setNotFoundHandler((_request, reply) => reply.code(404).send({ detail: 'Not Found' }))
app.setErrorHandler(answerError)

/** Half a surrogate pair is no character: nothing that is stored could hold it. */
const text = { type: 'string', minLength: 1, maxLength: 256, pattern: '^[^\\ud800-\\udfff]+$' }
const names = { username: text, first_name: text, last_name: text }
const credentials = {
  type: 'object',
  required: ['email', 'password'],
  properties: { email: text, password: text, ...names },
}

app.post('/signup', { schema: { body: credentials } }, async ({ body }, reply) => {
  const { email, password, username, first_name, last_name } = body
  const user = { uid: randomUUID(), email, username, first_name, last_name, created_at: new Date().toISOString() }
  const stored = JSON.stringify({ user, password_hash: await hash(password) })
  // Redis decides who comes first.
  const isNew = await redis.set(`user:${email}`, stored, { condition: 'NX' })
  if (!isNew) return reply.code(403).send({ detail: 'User with email already exists' })
  return reply.code(201).send(user)
})

// Compared with for an unknown email, so that the time of the answer does not tell which are known.
const nobody = await hash(randomBytes(32))
app.post('/login', { schema: { body: credentials } }, async ({ body: { email, password } }, reply) => {
  const { user, password_hash = nobody } = JSON.parse((await redis.get(`user:${email}`)) ?? '{}')
  const isRight = await verify(password_hash, password)
  if (!isRight) return reply.code(403).send({ detail: 'Invalid Email or Password...' })
  const claim = { email, user_uid: user.uid }
  return {
    message: 'Login Successful',
    access_token: await newToken('access', claim),
    refresh_token: await newToken('refresh', claim),
    user: { email, uid: user.uid },
  }
})

function newToken(type, user) {
  return auth.mint({ sub: user.user_uid, type, claims: { user, refresh: type === 'refresh' } })
}

// As in the original, a token that is blocked is called so on every route; which of the two it is, is asked last.
const guard = fastifyGuard(auth, { type: 'any' })
const only = (type, detail) => async (request, reply) => {
  if (guard.principal(request).type !== type) return reply.code(403).send({ detail })
}
const onlyAccess = [guard, only('access', 'Please Provide Valid Access Token...')]
const onlyRefresh = [guard, only('refresh', 'Please Provide Valid Refresh Token...')]

app.get('/refresh_token', { onRequest: onlyRefresh }, async (request) => {
  return { access_token: await newToken('access', guard.principal(request).claims.user) }
})
app.get('/logout', { onRequest: onlyAccess }, async (request) => {
  const { jti, expiresAtMs } = guard.principal(request)
  await auth.revoke.token({ jti, expiresAtMs })
  return { message: 'Logout successfully....' }
})

app.addHook('onClose', async () => {
  await auth.close()
  redis.destroy()
})
await serve(app)

function hasBareBearer(request) {
  return /^bearer *$/i.test(String(request.header('authorization')))
}

/** What FastAPI says of a field. */
function explained({ instancePath, params, message }) {
  const path = [...instancePath.split('/').slice(1), params.missingProperty].filter(Boolean)
  return { type: params.missingProperty ? 'missing' : 'value_error', loc: ['body', ...path], msg: message }
}

function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
