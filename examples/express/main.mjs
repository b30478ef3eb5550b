// A login, what is behind it, and a logout, with Express.
import { STATUS_CODES } from 'node:http'
import express from 'express'
import { createKeyRing, createRescind, generateKey, problemAnswer, RescindError } from 'rescind'
import { expressGuard } from 'rescind/express'
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
const guard = expressGuard(auth)

const app = express()
app.use(express.json())

app.post('/login', async (request, response) => {
  const id = request.body?.user
  // Your check of the password goes here.
  if (users.has(id)) return response.json(await auth.issue({ sub: id }))
  const { status, headers, body } = problemAnswer(new RescindError('invalid_credentials', 'There is no such user.'))
  response.status(status).set(headers).json(body)
})

app.get('/me', guard, (request, response) => {
  response.json({ name: guard.principal(request).user.name })
})

app.post('/logout', guard, async (request, response) => {
  const { sub, sid } = guard.principal(request)
  await auth.revoke.session(sid, { by: sub, reason: 'logout' })
  response.json({ ended: sid })
})

// Without it Express would answer with a stack: to a body that is no JSON, or too large.
app.use((error, _request, response, _next) => {
  const { status = 500 } = error
  if (status >= 500) console.error(error)
  response.status(status).type('application/problem+json').json({ status, title: STATUS_CODES[status] })
})

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`)
})
