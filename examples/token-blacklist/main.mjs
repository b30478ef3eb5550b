// Logout, a change of the password and its reset kill tokens; the blacklist is a file or Redis.
import { join } from 'node:path'
import Fastify from 'fastify'
import { createClient } from 'redis'
import { createRescind } from 'rescind'
import { fastifyAuth, fastifyGuard } from 'rescind/fastify'
import { fileStore } from 'rescind/stores/file'
import { redisStore } from 'rescind/stores/redis'
import { serve } from '../support/serve.mjs'
import { openKeys } from './keys.mjs'
import { openUsers } from './users.mjs'

const { BLACKLIST = 'file', DATA_DIR = import.meta.dirname, TOKEN_TTL = '3600' } = process.env
const warn = (message) => console.error(message)

const users = await openUsers(join(DATA_DIR, 'users.json'))
const stores = { file: openFile, redis: openRedis }
if (!Object.hasOwn(stores, BLACKLIST)) throw new Error('BLACKLIST must be file or redis')
const { store, close } = await stores[BLACKLIST]()

const said = (code, message, more) => ({ code, message, ...more })
const refuse = (status, message) => () => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: said(status, message),
})
const invalid = refuse(401, 'token不合法!')
const failed = (error) => {
  console.error(error)
  return refuse(500, '服务器繁忙!')()
}

const auth = createRescind({
  store,
  keys: openKeys(join(DATA_DIR, 'private-key.json')),
  header: { name: 'token', scheme: '' },
  accessTtlSeconds: Number(TOKEN_TTL),
  onWarning: warn,
  answers: {
    token_missing: refuse(401, 'token缺失!'),
    token_malformed: invalid,
    token_invalid: invalid,
    wrong_token_type: invalid,
    token_expired: refuse(401, 'token过期!'),
    token_revoked: refuse(401, '请重新登录!'),
    revocation_unavailable: refuse(503, '服务器繁忙!'),
    internal_error: failed,
  },
})
await auth.ready()

const answerError = (error, _request, reply) => {
  const { statusCode: code = error.status ?? 500 } = error
  if (code >= 500) console.error(error)
  return reply.code(code).send(said(code, code >= 500 ? '服务器繁忙!' : '请求不合法!'))
}
const ajv = { customOptions: { coerceTypes: false } }
const app = Fastify({ bodyLimit: 16_384, ajv, frameworkErrors: answerError })
await app.register(fastifyAuth)
// What cannot be read is no body: a route that needs one says so by its schema.
app.removeAllContentTypeParsers()
app.addContentTypeParser('*', { parseAs: 'string' }, (_request, text, done) => done(null, parsed(text)))
app.setNotFoundHandler((_request, reply) => reply.code(404).send(said(404, '接口不存在!')))
app.setErrorHandler(answerError)

/** Half a surrogate pair is no character: nothing that is stored could hold it. */
const text = { type: 'string', minLength: 1, maxLength: 256, pattern: '^[^\\ud800-\\udfff]+$' }
const body = (...names) => ({
  body: { type: 'object', required: names, properties: Object.fromEntries(names.map((name) => [name, text])) },
})

app.post('/login', { schema: body('username', 'password') }, async ({ body: { username, password } }, reply) => {
  if (!(await users.matches(username, password))) return reply.code(401).send(said(401, '用户名或密码错误!'))
  return said(200, '登录成功!', { token: await auth.mint({ sub: username, fresh: true }) })
})

const guard = fastifyGuard(auth)
app.post('/logout', { onRequest: guard }, async (request) => {
  const { jti, expiresAtMs } = guard.principal(request)
  await auth.revoke.token({ jti, expiresAtMs })
  return said(200, '退出成功!')
})

const withNew = (...names) => ({ onRequest: guard, schema: body(...names, 'new_password') })
app.post('/password/change', withNew('old_password'), async (request, reply) => {
  const { sub } = guard.principal(request)
  const { old_password, new_password } = request.body
  if (!(await users.matches(sub, old_password))) return reply.code(401).send(said(401, '原密码错误!'))
  await replacePassword(sub, new_password)
  return said(200, '密码修改成功,请重新登录!')
})
app.post('/password/reset', withNew(), async (request) => {
  await replacePassword(guard.principal(request).sub, request.body.new_password)
  return said(200, '密码重置成功,请重新登录!')
})

/**
 * Ends every token of the user. Before, so that nothing that fails on the way leaves a new password and old tokens; and
 * after, for a login with the old password that was under way.
 */
async function replacePassword(sub, password) {
  await auth.revoke.subject(sub)
  await users.setPassword(sub, password)
  await auth.revoke.subject(sub)
}

app.addHook('onClose', async () => {
  await auth.close()
  await close()
})
await serve(app)

function openFile() {
  // What has expired leaves the file once it is longer than this; the library sees to that every ten seconds.
  const store = fileStore(join(DATA_DIR, 'token_blacklist.txt'), { compactBytes: 4_096, onWarning: warn })
  return { store, close: () => store.close() }
}

async function openRedis() {
  const redis = createClient({ url: process.env.REDIS_URL || 'redis://localhost:6379' })
  redis.on('error', (error) => console.error(`Redis: ${error.message || error.code}`))
  // The client would go on trying for ever.
  const impatience = setTimeout(() => {
    throw new Error('Redis does not answer: start it, or say where it is with REDIS_URL')
  }, 3_000)
  await redis.connect()
  clearTimeout(impatience)
  return { store: redisStore(redis), close: () => redis.destroy() }
}

function parsed(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
