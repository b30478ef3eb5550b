import { createHmac } from 'node:crypto'
import { createKey, createKeyRing, type JsonObject, type Principal, RescindError } from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { describe, expect, it } from 'vitest'
import { openRescind, outcome, payloadOf, requestWith, verdict } from './helpers.ts'

const NEAR_END = { locations: ['cookie'], implicitRefreshSeconds: 300, csrf: false } as const
const UNTOUCHED = { setCookies: [] }

/** A request that carries this token in its cookie. */
const cookieWith = (token: string, method = 'GET') => ({
  method,
  url: '/',
  header: (name: string) => (name === 'cookie' ? `__Host-access_token=${token}` : undefined),
})

/** The token in the first of these `Set-Cookie` values; `null` for none. */
const tokenIn = (setCookies: readonly string[] | null) => setCookies?.[0]?.split(/[=;]/)[1] ?? null

const principalOf = async <P>(auth: { check: (view: never) => unknown }, token: string): Promise<P> => {
  const decision = (await auth.check(cookieWith(token) as never)) as { ok: boolean; principal: P | null }
  if (!decision.ok || decision.principal === null) throw new Error('it was refused')
  return decision.principal
}

describe('a route that names the cookie, where the library does not', () => {
  it('asks for the CSRF token all the same, and a cookie that names none never passes', async () => {
    const { auth } = await openRescind()
    const { accessToken } = await auth.issue({ sub: 'alice' })
    const options = { locations: ['cookie'] } as const
    expect(await auth.check(cookieWith(accessToken), options)).toMatchObject({ ok: true })
    const decision = await auth.check(cookieWith(accessToken, 'POST'), options)
    expect(decision).toMatchObject({ ok: false, error: { code: 'csrf_failed' } })
  })
})

describe('parseClaims', () => {
  it('may be asynchronous, and what it rejects is refused', async () => {
    const { auth } = await openRescind({
      parseClaims: async ({ role }) => {
        if (role !== 'admin') throw new Error('not an admin')
        return { role }
      },
    })
    const reader = await auth.issue({ sub: 'bob', claims: { role: 'reader' } })
    const admin = await auth.issue({ sub: 'ada', claims: { role: 'admin' } })
    expect(await verdict(auth, reader.accessToken)).toBe('claims_rejected')
    expect((await auth.verify(admin.accessToken)).claims).toEqual({ role: 'admin' })
  })

  it('goes with the claims hook, at refreshes too', async () => {
    const { auth } = await openRescind({
      claims: () => ({ role: 'editor' }),
      parseClaims: ({ role }) => {
        if (role !== 'editor') throw new Error('not an editor')
        return { role }
      },
    })
    const { refreshToken } = await auth.issue({ sub: 'alice' })
    expect(await verdict(auth, (await auth.refresh(refreshToken)).accessToken)).toBe('ok')
  })
})

describe('a revocation', () => {
  it('is kept for as long as leeway and clocks ahead may keep the token alive', async () => {
    const leewayMs = 60_000
    const issuer = await openRescind({
      leewayMs,
      accessTtlSeconds: 900,
      refreshTtlSeconds: 900,
      maxTokenTtlSeconds: 900,
    })
    const here = await openRescind({
      leewayMs,
      refreshTtlSeconds: 900,
      maxTokenTtlSeconds: 900,
      verifiedTokenCacheSize: 0,
    })
    issuer.clock.advance(62_000)
    const { accessToken, sid } = await issuer.auth.issue({ sub: 'alice' })
    expect(await verdict(here.auth, accessToken)).toBe('ok')
    await here.auth.revoke.session(sid)
    for (let passed = 0; passed < 1_100; passed += 10) {
      here.clock.advance(10_000)
      expect(['token_revoked', 'token_expired']).toContain(await verdict(here.auth, accessToken))
    }
  })

  it('that comes while a hook is asked counts', async () => {
    let revoke: () => Promise<void> = async () => {}
    const { auth } = await openRescind({
      user: async () => {
        await revoke()
        return { name: 'Alice' }
      },
    })
    const { accessToken, sid } = await auth.issue({ sub: 'alice' })
    expect(await verdict(auth, accessToken)).toBe('ok')
    revoke = () => auth.revoke.session(sid)
    expect(await verdict(auth, accessToken)).toBe('token_revoked')
  })
})

describe('tenants', () => {
  const signedByBlue = (payload: object) => {
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const input = `${encode({ alg: 'HS256', typ: 'JWT', tenant: 'blue' })}.${encode(payload)}`
    const secret = 'the secret of the tenant blue, 32 bytes at least'
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
  }

  const openTenants = async (options: object = {}) => {
    const keyOf = (tenant: string) =>
      createKey(`the secret of the tenant ${tenant}, 32 bytes at least`, { alg: 'HS256' })
    const keys = new Map(['red', 'blue'].map((tenant) => [tenant, keyOf(tenant)]))
    const rings = new Map([...keys].map(([tenant, key]) => [tenant, createKeyRing({ active: key })]))
    const tenantOf = (sub: string) => sub.split('-')[0] ?? ''
    const own = await openRescind({
      ...options,
      signingKey: ({ sub }) => keys.get(tenantOf(sub)) ?? keyOf('other'),
      headers: ({ sub }) => ({ tenant: tenantOf(sub) }),
      verificationKeys: (header: JsonObject) => rings.get(String(header.tenant)) as never,
    })
    // What the tenant blue, who has its key, can make for itself, over the same store of sessions.
    const forge = async (store: ReturnType<typeof memoryStore>) =>
      openRescind({
        ...options,
        store,
        keys: createKeyRing({ active: keyOf('blue') }),
        headers: () => ({ tenant: 'blue' }),
      })
    return { ...own, forge }
  }

  it('that do not exist have no tokens, whoever signed them, and bad input is no fault of the server', async () => {
    const { auth } = await openTenants()
    const lost = await auth.mint({ sub: 'green-1' })
    expect(await verdict(auth, lost)).toBe('token_invalid')
    for (const bad of [undefined, 5, {}, 'a.b']) {
      expect(await outcome(auth.refresh(bad as never))).toBe('token_malformed')
    }
    const { accessToken } = await auth.issue({ sub: 'red-1' })
    expect(await auth.explain(accessToken)).toMatchObject({ verdict: 'live' })
  })

  it('get no token of another one, by naming its users in tokens of their own', async () => {
    const { auth, forge } = await openTenants(NEAR_END)
    const blue = await forge(memoryStore())
    const posing = await blue.auth.mint({ sub: 'red-1' })
    const principal = await principalOf<Principal>(auth, posing)
    expect(principal.sub).toBe('red-1')
    const near = { ...principal, expiresAtMs: principal.issuedAtMs + 1 } as typeof principal
    expect(await auth.renew(near, UNTOUCHED)).toEqual([])
  })

  it("cannot end another one's session by a refresh token of their own that names it", async () => {
    const store = memoryStore()
    const { auth, forge } = await openTenants({ store })
    const blue = await forge(store)
    const red = await auth.issue({ sub: 'red-1' })
    for (const sub of ['red-1', 'blue-1']) {
      const own = await blue.auth.issue({ sub })
      const forged = signedByBlue({ ...payloadOf(own.refreshToken), sid: red.sid })
      expect(await outcome(auth.refresh(forged))).toBe('token_invalid')
    }
    expect(await verdict(auth, red.accessToken)).toBe('ok')
    expect(await outcome(auth.refresh(red.refreshToken))).toBe('ok')
  })

  it("get no token of another user, by naming one in a token of somebody else's session", async () => {
    const store = memoryStore()
    const { auth } = await openRescind({ ...NEAR_END, store })
    const session = await auth.issue({ sub: 'mallory' })
    const stolen = { ...(await auth.verify(session.accessToken)), sub: 'alice' } as Principal
    expect(await outcome(auth.stepUp(stolen))).toBe('token_invalid')
  })
})

describe('claims of the hook', () => {
  it('that are no longer made are gone from every token that follows, while those of the login stay', async () => {
    let isAdmin = true
    const { auth, clock } = await openRescind({ ...NEAR_END, claims: () => (isAdmin ? { admin: true } : {}) })
    const pair = await auth.issue({ sub: 'alice', claims: { plan: 'pro' } })
    expect(payloadOf(pair.accessToken)).toMatchObject({ admin: true, plan: 'pro' })
    isAdmin = false
    clock.advance(700_000)
    const principal = await principalOf<Principal>(auth, pair.accessToken)
    const followers = [
      await auth.stepUp(principal),
      tokenIn(await auth.renew(principal, UNTOUCHED)) ?? '',
      (await auth.refresh(pair.refreshToken)).accessToken,
    ]
    for (const token of followers) {
      expect(payloadOf(token)).toMatchObject({ plan: 'pro' })
      expect(payloadOf(token)).not.toHaveProperty('admin')
    }
  })
})

describe('implicit refresh', () => {
  it('gives up on a store that does not answer, and lets the answer go', async () => {
    const store = memoryStore()
    const sessions = { ...store.sessions, get: () => new Promise<never>(() => {}) }
    const { auth, clock } = await openRescind({ ...NEAR_END, store: { ...store, sessions } })
    const { accessToken } = await auth.issue({ sub: 'alice' })
    clock.advance(700_000)
    expect(await auth.renew(await principalOf<Principal>(auth, accessToken), UNTOUCHED)).toEqual([])
  })

  it('asks a blocklist of the program once more', async () => {
    const blocked = new Set<unknown>()
    const { auth, clock } = await openRescind({ ...NEAR_END, isRevoked: ({ jti }) => blocked.has(jti) })
    const { accessToken } = await auth.issue({ sub: 'alice' })
    clock.advance(700_000)
    const principal = await principalOf<Principal>(auth, accessToken)
    blocked.add(principal.jti)
    expect(await auth.renew(principal, UNTOUCHED)).toEqual([])
  })

  it('dates no successor before its parent: a token that is short of life is renewed, not killed', async () => {
    const { auth } = await openRescind(NEAR_END)
    await auth.revoke.subject('alice')
    const short = await auth.mint({ sub: 'alice', ttlSeconds: 60 })
    const successor = tokenIn(await auth.renew(await principalOf<Principal>(auth, short), UNTOUCHED))
    expect(successor).not.toBeNull()
    expect(await auth.check(cookieWith(successor ?? ''))).toMatchObject({ ok: true })
  })

  it('begins later than a token', async () => {
    expect(await outcome(openRescind({ ...NEAR_END, accessTtlSeconds: 300 }))).toBe('invalid_config')
  })
})

describe('a session', () => {
  it('outlives none of its tokens, and the pair says so', async () => {
    const { auth, clock } = await openRescind({ sessionTtlSeconds: 60 })
    const first = await auth.issue({ sub: 'alice' })
    expect(first.expiresInSeconds).toBe(60)
    clock.advance(30_000)
    const second = await auth.refresh(first.refreshToken)
    expect(second.expiresInSeconds).toBe(30)
    clock.advance(30_000)
    for (const { accessToken } of [first, second]) expect(await verdict(auth, accessToken)).toBe('token_expired')
  })

  it('refreshed in several tabs at once has one CSRF token for each kind of token', async () => {
    const { auth } = await openRescind({ locations: ['cookie'] })
    const { refreshToken } = await auth.issue({ sub: 'alice' })
    const pairs = await Promise.all(Array.from({ length: 5 }, () => auth.refresh(refreshToken)))
    expect(new Set(pairs.map((pair) => pair.csrfToken)).size).toBe(1)
    expect(pairs[0]?.csrfToken).not.toBe(pairs[0]?.refreshCsrfToken)
  })
})

describe('what would be refused', () => {
  const deep = (levels: number): JsonObject => (levels === 0 ? {} : { within: deep(levels - 1) })

  it.each([
    ['claims that nest too deeply', { claims: deep(40) }],
    ['a claim named __proto__ within another', { claims: { within: JSON.parse('{"__proto__": 1}') } }],
    ['a claim that is no JSON', { claims: { big: 1n } }],
    ['the header crit', { headers: { crit: ['x'] } }],
    ['the header kid', { headers: { kid: 'other' } }],
    ['the header alg', { headers: { alg: 'none' } }],
    ['another type', { type: 'acess' }],
  ])('is not minted: %s', async (_what, order) => {
    const { auth } = await openRescind()
    expect(await outcome(auth.mint({ sub: 'alice', ...order } as never))).toBe('invalid_config')
    if ('type' in order) return
    expect(await outcome(auth.issue({ sub: 'alice', ...order } as never))).toBe('invalid_config')
    expect((await auth.sessions.list('alice')).sessions).toEqual([])
  })

  it('is said of options as well', async () => {
    expect(await outcome(openRescind({ allowVolatile: 'false' as never }))).toBe('invalid_config')
    const { guarantees: _, ...store } = memoryStore()
    expect(await outcome(openRescind({ store: store as never }))).toBe('invalid_config')
  })
})

describe('an answer that cannot be written', () => {
  it.each([
    undefined,
    null,
    {},
    { status: 99, headers: {}, body: {} },
    { status: 401, headers: { 'x-path': '/\n' }, body: {} },
    { status: 401, headers: { 'x y': 'z' }, body: {} },
    { status: 401, headers: {}, body: 'text' },
  ])('becomes a 500: %j', async (given) => {
    for (const token_missing of [() => given as never, async () => given as never]) {
      const { auth } = await openRescind({ answers: { token_missing } })
      const answer = await auth.answer(new RescindError('token_missing', 'None.'), requestWith(''))
      expect(answer).toMatchObject({ status: 500, body: { code: 'internal_error' } })
    }
  })
})

it('a principal in a log holds no secret', async () => {
  const { auth } = await openRescind({ locations: ['cookie'], csrf: {} })
  const { accessToken, csrfToken } = await auth.issue({ sub: 'alice' })
  const text = JSON.stringify({ principal: await auth.verify(accessToken) })
  expect(text).toContain('alice')
  expect(text).not.toContain(accessToken)
  expect(text).not.toContain(csrfToken)
})

it('a store that is away is no fault of the server', async () => {
  const store = memoryStore()
  const fail = () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.5:5432'))
  const { auth } = await openRescind({ store: { ...store, sessions: { ...store.sessions, get: fail, list: fail } } })
  const { accessToken, sid } = await auth.issue({ sub: 'alice' })
  const principal = await auth.verify(accessToken)
  for (const asked of [auth.stepUp(principal), auth.sessions.get(sid), auth.sessions.list('alice')]) {
    expect(await outcome(asked)).toBe('revocation_unavailable')
  }
})
