// Logout with a SQL table: the library asks `revoked_tokens` about every guarded request, and no handler does.
import { randomBytes } from 'node:crypto'
import { hash, verify } from '@node-rs/argon2'
import Fastify from 'fastify'
import { createKey, createKeyRing, createRescind } from 'rescind'
import { fastifyAuth, fastifyGuard } from 'rescind/fastify'
import { memoryStore } from 'rescind/stores/memory'
import { serve } from '../support/serve.mjs'
import { openDatabase, pendingMigrations, revokedTokens } from './database.mjs'
import { signingSecret } from './secret.mjs'

const ACCESS_TTL_SECONDS = 900
const BUSY = '服务器繁忙！'

const database = openDatabase()
if (pendingMigrations(database).length > 0) {
  throw new Error('the database lacks a table: run `npm run migrate -w examples/revoked-tokens-table` first')
}
const revoked = revokedTokens(database)

const envelope = (code, message, data) => ({ code, success: code < 400, message, ...(data && { data }) })
const refuse = (status, message) => () => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: envelope(status, message),
})
const failed = (error) => {
  console.error(error)
  return refuse(500, BUSY)()
}

const auth = createRescind({
  // Nothing is kept in it: the table takes its place.
  store: memoryStore(),
  allowVolatile: true,
  keys: createKeyRing({ active: createKey(signingSecret(), { alg: 'HS256' }) }),
  accessTtlSeconds: ACCESS_TTL_SECONDS,
  // The "token in blocklist" loader. Where it throws, the request is refused.
  isRevoked: ({ jti }) => revoked.has(jti),
  answers: {
    token_missing: refuse(401, '请先登录！'),
    token_malformed: refuse(401, '令牌无效！'),
    token_invalid: refuse(401, '令牌无效！'),
    token_expired: refuse(401, '令牌已过期！'),
    token_revoked: refuse(401, '令牌已注销！'),
    wrong_token_type: refuse(401, '令牌类型错误！'),
    revocation_unavailable: failed,
    internal_error: failed,
  },
})
await auth.ready()

const users = new Map([
  ['admin', await hash('123456')],
  ['user', await hash('123456')],
])
// Compared with for an unknown name, so that the time of the answer does not tell which names there are.
const nobody = await hash(randomBytes(32))

const answerError = (error, _request, reply) => {
  const { statusCode: code = 500 } = error
  if (code >= 500) console.error(error)
  return reply.code(code).send(envelope(code, code >= 500 ? BUSY : '请求无效！'))
}
const ajv = { customOptions: { coerceTypes: false } }
const app = Fastify({ bodyLimit: 16_384, ajv, frameworkErrors: answerError })
await app.register(fastifyAuth)
// What cannot be read is no body: a route that needs one says so by its schema.
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', { parseAs: 'string' }, (_request, text, done) => done(null, parsed(text)))
app.setNotFoundHandler((_request, reply) => reply.code(404).send(envelope(404, '接口不存在！')))
app.setErrorHandler(answerError)

const text = { type: 'string', minLength: 1, maxLength: 256 }
const credentials = {
  type: 'object',
  required: ['username', 'password'],
  properties: { username: text, password: text },
}
app.post('/login', { schema: { body: credentials } }, async ({ body: { username, password } }, reply) => {
  const isRight = await verify(users.get(username) ?? nobody, password)
  if (!isRight) return reply.code(401).send(envelope(401, '用户名或密码错误！'))
  return envelope(200, '登录成功！', {
    access_token: await auth.mint({ sub: username, fresh: true }),
    refresh_token: await auth.mint({ sub: username, type: 'refresh' }),
  })
})

const guard = fastifyGuard(auth)
app.post('/logout', { onRequest: guard }, async (request) => {
  revoked.add(guard.principal(request).jti)
  return envelope(200, '退出成功！')
})
app.get('/me', { onRequest: guard }, async (request) => {
  return envelope(200, '查询成功！', { username: guard.principal(request).sub })
})

/** A table that nobody clears grows for ever. An hour more than a token lives, for clocks that differ. */
function forget() {
  try {
    revoked.forgetIssuedBefore(Date.now() - (ACCESS_TTL_SECONDS + 3_600) * 1_000)
  } catch (error) {
    console.error(error)
  }
}
forget()
setInterval(forget, 3_600_000).unref()

app.addHook('onClose', async () => {
  await auth.close()
  database.close()
})
await serve(app)

function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
