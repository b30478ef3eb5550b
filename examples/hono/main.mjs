// A login, what is behind it, and a logout, with Hono.
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { createKeyRing, createRescind, generateKey, problemAnswer, RescindError } from 'rescind'
import { honoGuard } from 'rescind/hono'
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
const guard = honoGuard(auth)

const app = new Hono()
app.use(bodyLimit({ maxSize: 10_000 }))

app.post('/login', async (c) => {
  const given = await c.req.json().catch(() => null)
  // Your check of the password goes here.
  if (users.has(given?.user)) return c.json(await auth.issue({ sub: given.user }))
  const { status, headers, body } = problemAnswer(new RescindError('invalid_credentials', 'There is no such user.'))
  return c.body(JSON.stringify(body), status, headers)
})

app.get('/me', guard, (c) => c.json({ name: c.get('auth').user.name }))

app.post('/logout', guard, async (c) => {
  const { sub, sid } = c.get('auth')
  await auth.revoke.session(sid, { by: sub, reason: 'logout' })
  return c.json({ ended: sid })
})

serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000), hostname: '127.0.0.1' }, ({ port }) => {
  console.log(`listening on http://127.0.0.1:${port}`)
})
