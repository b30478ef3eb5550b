// A login, what is behind it, and a logout, with NestJS. JavaScript has no decorators yet, so they are called here; in
// TypeScript it is `@Get('me') @UseGuards(guard) me(@guard.param() principal: Principal<User>)`.
import 'reflect-metadata'
import * as nest from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { createKeyRing, createRescind, generateKey, problemAnswer, RescindError } from 'rescind'
import { nestGuard } from 'rescind/nest'
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
const guard = nestGuard(auth, nest)

class Sessions {
  logIn(body, response) {
    // Your check of the password goes here.
    if (users.has(body?.user)) return auth.issue({ sub: body.user })
    const answer = problemAnswer(new RescindError('invalid_credentials', 'There is no such user.'))
    response.set(answer.headers)
    throw new nest.HttpException(answer.body, answer.status)
  }
  me({ user }) {
    return { name: user.name }
  }
  async logOut({ sub, sid }) {
    await auth.revoke.session(sid, { by: sub, reason: 'logout' })
    return { ended: sid }
  }
}
decorate('logIn', nest.Post('login'), nest.HttpCode(200)).with(nest.Body(), nest.Res({ passthrough: true }))
decorate('me', nest.Get('me'), nest.UseGuards(guard)).with(guard.param())
decorate('logOut', nest.Post('logout'), nest.HttpCode(200), nest.UseGuards(guard)).with(guard.param())
nest.Controller()(Sessions)

class App {}
nest.Module({ controllers: [Sessions] })(App)

const app = await NestFactory.create(App, { logger: ['error', 'warn'] })
await app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1')
console.log(`listening on ${await app.getUrl()}`)

function decorate(method, ...decorators) {
  const descriptor = Object.getOwnPropertyDescriptor(Sessions.prototype, method)
  for (const decorator of decorators) decorator(Sessions.prototype, method, descriptor)
  const decorateParameter = (decorator, index) => decorator(Sessions.prototype, method, index)
  return { with: (...parameters) => parameters.forEach(decorateParameter) }
}
