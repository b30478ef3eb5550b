import type { Ledger, Store } from 'rescind'
import type { FlaskOptions, FlaskPrincipal } from 'rescind/compat/flask-jwt-extended'
import { memoryStore } from 'rescind/stores/memory'
import { expect, it } from 'vitest'
import { ask, bearer, msg, openFlask, payloadOf, view } from './support/flask.ts'

const REVOKED = msg(401, 'Token has been revoked')

it('refuses what was revoked through the store, beside what the loader says', async () => {
  const listed = new Set<unknown>()
  const { jwt } = await openFlask(
    {},
    { store: memoryStore(), loaders: { tokenInBlocklist: (_header, { jti }) => listed.has(jti) } },
  )
  const [first, second, third] = await Promise.all(['a', 'b', 'c'].map((name) => jwt.createAccessToken(name)))
  if (!first || !second || !third) throw new Error('no tokens')
  await jwt.revoke.token({ jti: String(payloadOf(first).jti) })
  listed.add(payloadOf(second).jti)
  expect(await ask(jwt, bearer(first))).toEqual(REVOKED)
  expect(await ask(jwt, bearer(second))).toEqual(REVOKED)
  expect(await ask(jwt, bearer(third))).toHaveProperty('principal.identity', 'c')
  expect(await ask(jwt, bearer(first), { skipRevocationCheck: true })).toHaveProperty('principal.identity', 'a')
})

it('logs a user out everywhere, and lets the login of the same second pass', async () => {
  const { jwt, clock } = await openFlask({ JWT_VERIFY_SUB: false }, { store: memoryStore() })
  const before = await jwt.createAccessToken('alice')
  const number = await jwt.createAccessToken('x', { additionalClaims: { sub: 5 } })
  const undated = await jwt.createAccessToken('x', { additionalClaims: { sub: 'alice', iat: 0, jti: 'foreign' } })
  clock.advance(1)
  await jwt.revoke.subject('alice')
  await jwt.revoke.subject('5')
  clock.advance(1)
  const after = await jwt.createAccessToken('alice')
  expect(payloadOf(after).iat).toBe(payloadOf(before).iat)
  expect(await ask(jwt, bearer(before))).toEqual(REVOKED)
  expect(await ask(jwt, bearer(number))).toEqual(REVOKED)
  expect(await ask(jwt, bearer(undated))).toEqual(REVOKED)
  expect(await ask(jwt, bearer(after))).toHaveProperty('principal.identity', 'alice')
})

it('remembers a revocation for as long as a token without end is taken', async () => {
  const { jwt, clock } = await openFlask({ JWT_ACCESS_TOKEN_EXPIRES: false }, { store: memoryStore() })
  const [revoked, living] = [await jwt.createAccessToken('a'), await jwt.createAccessToken('b')]
  await jwt.revoke.token({ jti: String(payloadOf(revoked).jti) })
  clock.advance(86_400_000 * 365 * 9)
  expect(await ask(jwt, bearer(revoked))).toEqual(REVOKED)
  expect(await ask(jwt, bearer(living))).toHaveProperty('principal.identity', 'b')
  clock.advance(86_400_000 * 365 * 2)
  expect(await ask(jwt, bearer(revoked))).toEqual(REVOKED)
  expect(await ask(jwt, bearer(living))).toEqual(REVOKED)
})

it('answers 503 while nobody knows what was revoked', async () => {
  const store = memoryStore()
  const broken: Ledger = { ...store.ledger, find: () => Promise.reject(new Error('down')) }
  const failing: Store = { ...store, ledger: broken }
  const { jwt } = await openFlask({}, { store: failing, revocation: { mode: 'ask' } })
  const token = await jwt.createAccessToken('alice')
  expect(await ask(jwt, bearer(token))).toMatchObject({
    status: 503,
    body: { msg: expect.stringContaining('evocation') },
  })
})

it('cannot revoke without a store', async () => {
  const { jwt } = await openFlask()
  expect(() => jwt.revoke).toThrow('store')
})

const COOKIES: FlaskOptions = { JWT_TOKEN_LOCATION: ['cookies', 'headers'] }

async function openRenewing(loaders = {}, warnings: string[] = []) {
  const opened = await openFlask(COOKIES, {
    store: memoryStore(),
    loaders,
    implicitRefresh: { seconds: 600 },
    onWarning: (warning) => warnings.push(warning),
  })
  const { jwt } = opened
  const arrive = async (token: string, header = false): Promise<FlaskPrincipal> => {
    const request = header ? bearer(token) : { headers: { cookie: `access_token_cookie=${token}` } }
    const decision = await jwt.check(view(request))
    if (!decision.ok || decision.principal === null) throw new Error('refused')
    return decision.principal
  }
  return { ...opened, arrive, token: await jwt.createAccessToken('alice', { fresh: true }) }
}

it('renews an access token in a cookie near its end, and no other', async () => {
  const { jwt, clock, arrive, token } = await openRenewing()
  const untouched = { setCookies: [] }
  expect(jwt.renew(await arrive(token), untouched)).toBeNull()
  clock.advance(301_000)
  const principal = await arrive(token)
  const renewed = await jwt.renew(principal, untouched)
  expect(renewed).toHaveLength(2)
  const successor = /^access_token_cookie=([^;]+)/.exec(renewed?.[0] ?? '')?.[1] ?? ''
  expect(payloadOf(successor)).toMatchObject({ sub: 'alice', fresh: false, exp: Number(payloadOf(token).exp) + 301 })
  // A token in a header is the client's to renew, and a cookie that the route has set or cleared is the route's.
  expect(jwt.renew(await arrive(token, true), untouched)).toBeNull()
  expect(jwt.renew(principal, { setCookies: jwt.unsetJwtCookies() })).toBeNull()
  expect(await jwt.renew(principal, { setCookies: ['other=1'] })).toHaveLength(2)
})

it('renews no token that was revoked while its request was under way', async () => {
  const { jwt, clock, arrive, token } = await openRenewing()
  clock.advance(301_000)
  const principal = await arrive(token)
  await jwt.revoke.token({ jti: principal.jti ?? '' })
  expect(await jwt.renew(principal, { setCookies: [] })).toEqual([])
})

it('answers the request when a renewal fails, and tells the operator', async () => {
  const warnings: string[] = []
  let isBroken = false
  const additionalClaims = () => (isBroken ? Promise.reject(new Error('down')) : {})
  const { jwt, clock, arrive, token } = await openRenewing({ additionalClaims }, warnings)
  clock.advance(301_000)
  const principal = await arrive(token)
  isBroken = true
  expect(await jwt.renew(principal, { setCookies: [] })).toEqual([])
  expect(warnings).toEqual([expect.stringContaining('not renewed')])
})
