// Register, log in, ask for one's status, log out: the blacklist is the store's, and no handler looks at it.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { hash, verify } from '@node-rs/argon2'
import Fastify from 'fastify'
import { createKey, createKeyRing, createRescind } from 'rescind'
import { fastifyAuth, fastifyGuard } from 'rescind/fastify'
import { serve } from '../support/serve.mjs'
import { openDatabase } from './database.mjs'
import { signingSecret } from './secret.mjs'

const folder = process.env.DATA_DIR ?? join(import.meta.dirname, 'data')
const { store, users, close } = await openDatabase(process.env.DATABASE_URL, folder)

const success = (message, more) => ({ status: 'success', message, ...more })
const fail = (message) => ({ status: 'fail', message })
const refuse = (status, message) => ({ status, headers: { 'content-type': 'application/json' }, body: fail(message) })

const INVALID = 'Invalid token. Please log in again.'
// What the original cannot split at a space it calls malformed; with another word than `Bearer` before it, a token is
// invalid here, where the original would take it.
const noToken = (_error, request) =>
  refuse(401, request.header('authorization')?.includes(' ') ? INVALID : 'Bearer token malformed.')
const failed = (error) => {
  console.error(error)
  return refuse(500, 'Try again')
}

const auth = createRescind({
  store,
  keys: createKeyRing({ active: createKey(signingSecret(folder), { alg: 'HS256' }) }),
  accessTtlSeconds: Number(process.env.TOKEN_TTL ?? 5),
  user: ({ sub }) => users.byId(sub),
  onWarning: (message) => console.error(message),
  answers: {
    token_missing: noToken,
    token_malformed: noToken,
    token_invalid: () => refuse(401, INVALID),
    wrong_token_type: () => refuse(401, INVALID),
    user_not_found: () => refuse(401, INVALID),
    token_expired: () => refuse(401, 'Signature expired. Please log in again.'),
    token_revoked: () => refuse(401, 'Token blacklisted. Please log in again.'),
    revocation_unavailable: failed,
    internal_error: failed,
  },
})
await auth.ready()

const answerError = (error, _request, reply) => {
  const { statusCode = error.status ?? 500 } = error
  if (statusCode >= 500) console.error(error)
  return reply.code(statusCode).send(fail('Try again'))
}
const ajv = { customOptions: { coerceTypes: false } }
const app = Fastify({ bodyLimit: 16_384, ajv, frameworkErrors: answerError })
await app.register(fastifyAuth)
// What cannot be read is no body: a route that needs one says so by its schema.
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', { parseAs: 'string' }, (_request, text, done) => done(null, parsed(text)))
app.setNotFoundHandler((_request, reply) => reply.code(404).send(fail('Not found.')))
app.setErrorHandler(answerError)

/** PostgreSQL cannot keep U+0000, and half a surrogate pair is no character: nothing that is stored could hold it. */
const text = (maxLength) => ({ type: 'string', minLength: 1, maxLength, pattern: '^[^\\0\\ud800-\\udfff]+$' })
const credentials = {
  type: 'object',
  required: ['email', 'password'],
  properties: { email: text(255), password: text(1_024) },
}
/** Answers a body that cannot be used; whatever else fails is the app's to answer. */
const unusable = (status, message) => (error, _request, reply) => {
  if (error.statusCode < 500) return reply.code(status).send(fail(message))
  throw error
}
const newToken = (userId) => auth.mint({ sub: String(userId), fresh: true })

app.post('/auth/register', {
  schema: { body: credentials },
  errorHandler: unusable(401, 'Some error occurred. Please try again.'),
  async handler({ body: { email, password } }, reply) {
    const id = await users.add(email, await hash(password))
    if (id === undefined) return reply.code(202).send(fail('User already exists. Please Log in.'))
    return reply.code(201).send(success('Successfully registered.', { auth_token: await newToken(id) }))
  },
})

// Compared with for an unknown email, so that the time of the answer does not tell which are known.
const nobody = await hash(randomBytes(32))
app.post('/auth/login', {
  schema: { body: credentials },
  // A body without an email names no user.
  errorHandler: unusable(404, 'User does not exist.'),
  async handler({ body: { email, password } }, reply) {
    const user = await users.byEmail(email)
    const isRight = await verify(user?.password ?? nobody, password)
    if (!isRight) return reply.code(404).send(fail('User does not exist.'))
    return success('Successfully logged in.', { auth_token: await newToken(user.id) })
  },
})

/** Whether there is a header, the original asks before anything else; the routes answer with different statuses. */
const needsHeader = (status) => async (request, reply) => {
  if (!request.headers.authorization) return reply.code(status).send(fail('Provide a valid auth token.'))
}
const guard = fastifyGuard(auth)
app.get('/auth/status', { onRequest: [needsHeader(401), guard] }, async (request) => {
  const { id, email, admin, registered_on } = guard.principal(request).user
  const data = { user_id: id, email, admin: Boolean(admin), registered_on: new Date(registered_on).toUTCString() }
  return { status: 'success', data }
})
app.post('/auth/logout', { onRequest: [needsHeader(403), guard] }, async (request) => {
  const { jti, expiresAtMs } = guard.principal(request)
  await auth.revoke.token({ jti, expiresAtMs })
  return success('Successfully logged out.')
})

app.addHook('onClose', async () => {
  await auth.close()
  await close()
})
await serve(app)

function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
