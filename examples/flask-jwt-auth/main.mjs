// Register, log in, ask for one's status, log out: the blacklist is the store's, and no handler looks at it.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { hash, verify } from '@node-rs/argon2'
import Fastify from 'fastify'
import { createKey, createKeyRing, createRescind } from 'rescind'
import { fastifyAuth, fastifyGuard } from 'rescind/fastify'
import { openDatabase } from './database.mjs'
import { signingSecret } from './secret.mjs'

const folder = process.env.DATA_DIR ?? join(import.meta.dirname, 'data')
const { store, users, close } = await openDatabase(process.env.DATABASE_URL, folder)

const success = (message, more) => ({ status: 'success', message, ...more })
const fail = (message) => ({ status: 'fail', message })
const refuse = (status, message) => ({ status, headers: { 'content-type': 'application/json' }, body: fail(message) })

const INVALID = 'Invalid token. Please log in again.'
const noToken = (_error, request) => {
  const header = request.header('authorization')
  const isLogout = request.url.startsWith('/auth/logout')
  if (!header) return refuse(isLogout ? 403 : 401, 'Provide a valid auth token.')
  // The original takes what follows the first space, whatever is before it.
  return refuse(401, header.includes(' ') ? INVALID : 'Bearer token malformed.')
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
    revocation_unavailable: () => refuse(503, 'Try again'),
    internal_error: () => refuse(500, 'Try again'),
  },
})
await auth.ready()

const app = Fastify({ bodyLimit: 16_384, ajv: { customOptions: { coerceTypes: false } } })
await app.register(fastifyAuth)
// What cannot be read is no body: a route that needs one says so by its schema.
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', { parseAs: 'string' }, (_request, text, done) => done(null, parsed(text)))
app.setNotFoundHandler((_request, reply) => reply.code(404).send(fail('Not found.')))
app.setErrorHandler((error, _request, reply) => {
  const { statusCode = error.status ?? 500 } = error
  if (statusCode >= 500) console.error(error)
  return reply.code(statusCode).send(fail('Try again'))
})

/** PostgreSQL cannot keep U+0000. */
const text = (maxLength) => ({ type: 'string', minLength: 1, maxLength, pattern: '^[^\\u0000]+$' })
const credentials = {
  type: 'object',
  required: ['email', 'password'],
  properties: { email: text(255), password: text(1_024) },
}
const newToken = (userId) => auth.mint({ sub: String(userId), fresh: true })

app.post('/auth/register', {
  schema: { body: credentials },
  errorHandler: (_error, _request, reply) => reply.code(401).send(fail('Some error occurred. Please try again.')),
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
  errorHandler(error, _request, reply) {
    // A body without an email names no user.
    if (error.statusCode < 500) return reply.code(404).send(fail('User does not exist.'))
    console.error(error)
    return reply.code(500).send(fail('Try again'))
  },
  async handler({ body: { email, password } }, reply) {
    const user = await users.byEmail(email)
    const isRight = await verify(user?.password ?? nobody, password)
    if (!isRight) return reply.code(404).send(fail('User does not exist.'))
    return success('Successfully logged in.', { auth_token: await newToken(user.id) })
  },
})

const guard = fastifyGuard(auth)
app.get('/auth/status', { onRequest: guard }, async (request) => {
  const { id, email, admin, registered_on } = guard.principal(request).user
  const data = { user_id: id, email, admin: Boolean(admin), registered_on: new Date(registered_on).toUTCString() }
  return { status: 'success', data }
})
app.post('/auth/logout', { onRequest: guard }, async (request) => {
  const { jti, expiresAtMs } = guard.principal(request)
  await auth.revoke.token({ jti, expiresAtMs })
  return success('Successfully logged out.')
})

app.addHook('onClose', async () => {
  await auth.close()
  await close()
})
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => app.close())
console.log(`listening on ${await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })}`)

function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
