// A login, what is behind it, and a logout, with Koa.
import Koa from 'koa'
import { createKeyRing, createRescind, generateKey, problemAnswer, RescindError } from 'rescind'
import { koaGuard } from 'rescind/koa'
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

const app = new Koa()

app.use(async (ctx, next) => {
  if (ctx.method !== 'POST' || ctx.path !== '/login') return next()
  const id = await userIn(ctx.req).catch(() => ctx.throw(400))
  // Your check of the password goes here.
  if (users.has(id)) {
    ctx.body = await auth.issue({ sub: id })
    return
  }
  const { status, headers, body } = problemAnswer(new RescindError('invalid_credentials', 'There is no such user.'))
  ctx.status = status
  ctx.set(headers)
  ctx.body = body
})

// All that follows is for those who have logged in.
app.use(koaGuard(auth))

app.use(async (ctx) => {
  const { sub, sid, user } = ctx.state.auth
  const route = `${ctx.method} ${ctx.path}`
  if (route === 'GET /me' || route === 'HEAD /me') ctx.body = { name: user.name }
  if (route !== 'POST /logout') return
  await auth.revoke.session(sid, { by: sub, reason: 'logout' })
  ctx.body = { ended: sid }
})

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`)
})

async function userIn(request) {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk
    if (text.length > 10_000) throw new Error('the body is too large')
  }
  return JSON.parse(text)?.user
}
