// A Hono app as it runs in a Worker: issuing, checking, refreshing and revoking by fetch's Request and Response.
// Prints, as JSON, what each request was answered with.

import { Hono } from 'hono'
import { createKeyAsync, createKeyRing, createRescind, generateKeyAsync } from 'rescind'
import { honoGuard } from 'rescind/hono'
import { memoryStore } from 'rescind/stores/memory'

const answers = {}
for (const alg of ['HS256', 'EdDSA', 'ES256', 'PS256']) answers[alg] = await run(await generateKeyAsync(alg))
answers.nodeGlobals = ['process', 'Buffer', 'global', 'setImmediate'].filter((name) => name in globalThis)
answers.nodeModule = await import('node:crypto').then(
  () => 'imported',
  () => 'refused',
)
console.log(JSON.stringify(answers))

async function run(key) {
  const again = await createKeyAsync(key.privateJwk(), { alg: key.alg, kid: 'again' })
  const keys = createKeyRing({ active: key, verifyOnly: [again] })
  const auth = createRescind({ store: memoryStore(), keys, locations: ['header', 'cookie'] })
  await auth.ready()

  const app = new Hono()
  app.post('/login', async (c) => {
    const pair = await auth.issue({ sub: 'alice' })
    for (const cookie of auth.cookies.set(pair)) c.header('set-cookie', cookie, { append: true })
    return c.json(pair)
  })
  app.post('/refresh', async (c) => {
    const { refreshToken } = await c.req.json()
    return auth.refresh(refreshToken).then(
      (pair) => c.json(pair),
      (error) => c.json({ code: error.code }, error.status),
    )
  })
  app.get('/me', honoGuard(auth), (c) => c.json({ sub: c.get('auth').sub }))
  app.post('/logout', honoGuard(auth), async (c) => {
    await auth.revoke.session(c.get('auth').sid)
    return c.body(null, 204)
  })

  const send = async (path, { method = 'GET', headers = {}, body } = {}) => {
    const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
    const response = await app.fetch(new Request(`https://app.example${path}`, init))
    const text = await response.text()
    return {
      status: response.status,
      cookies: response.headers.getSetCookie(),
      ...(text === '' ? {} : JSON.parse(text)),
    }
  }
  const bearer = (token) => ({ headers: { authorization: `Bearer ${token}` } })
  const me = async (token) => (({ status, sub, code }) => ({ status, sub, code }))(await send('/me', bearer(token)))

  const first = await send('/login', { method: 'POST' })
  const cookie = first.cookies.map((value) => value.split(';')[0]).join('; ')
  const other = await send('/login', { method: 'POST' })
  const second = await send('/refresh', { method: 'POST', body: first })
  const [signature] = first.accessToken.split('.').reverse()
  const seen = {
    login: first.status,
    refresh: second.status,
    fresh: await me(first.accessToken),
    refreshed: await me(second.accessToken),
    again: await me(second.accessToken),
    forged: await me(second.accessToken.replace(/[^.]+$/, signature)),
    none: (await send('/me')).status,
    cookie: (await send('/me', { headers: { cookie } })).status,
    withoutCsrf: (await send('/logout', { method: 'POST', headers: { cookie } })).code,
    logout: (await send('/logout', { method: 'POST', headers: { cookie, 'x-csrf-token': first.csrfToken } })).status,
    revoked: await me(second.accessToken),
    refreshRevoked: (await send('/refresh', { method: 'POST', body: second })).code,
    otherSession: await me(other.accessToken),
  }
  // Nothing may go on: a timer that was left behind would keep this process from ending.
  await auth.close()
  return seen
}
