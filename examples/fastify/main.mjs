// A login, what is behind it, and a logout, with Fastify.
import { fastify } from 'fastify'
import { createKeyRing, createRescind, generateKey, problemAnswer, RescindError } from 'rescind'
import { fastifyAuth, fastifyGuard } from 'rescind/fastify'
import { memoryStore } from 'rescind/stores/memory'

const users = new Map([
  ['alice', { name: 'Alice' }],
  ['bob', { name: 'Bob' }],
])

const auth = createRescind({
  store: memoryStore(),
  keys: createKeyRing({ active: generateKey('EdDSA') }),
  allowVolatile: true,
  user: ({ sub }) => users.get(sub),
})
await auth.ready()
const guard = fastifyGuard(auth)

const app = fastify()
await app.register(fastifyAuth)

app.post('/login', async (request, reply) => {
  const id = request.body?.user
  // Your check of the password goes here.
  if (users.has(id)) return auth.issue({ sub: id })
  const { status, headers, body } = problemAnswer(new RescindError('invalid_credentials', 'There is no such user.'))
  return reply.code(status).headers(headers).send(body)
})

app.get('/me', { onRequest: guard }, (request) => ({ name: guard.principal(request).user.name }))

app.post('/logout', { onRequest: guard }, async (request) => {
  const { sub, sid } = guard.principal(request)
  await auth.revoke.session(sid, { by: sub, reason: 'logout' })
  return { ended: sid }
})

console.log(`listening on ${await app.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' })}`)
