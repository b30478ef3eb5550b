import type { RequestView } from 'rescind'
import { describe, expect, it } from 'vitest'
import { openRescind, outcome, payloadOf } from './helpers.ts'

/** A browser's cookies: name to value, as `Set-Cookie` values leave them. */
function jar(...setCookies: readonly string[]): Map<string, string> {
  const cookies = new Map<string, string>()
  for (const [, name = '', value = '', rest = ''] of setCookies.map(
    (line) => /^([^=]+)=([^;]*)(.*)$/.exec(line) ?? [],
  )) {
    if (/max-age=0/i.test(rest)) cookies.delete(name)
    else cookies.set(name, value)
  }
  return cookies
}

/** A request with these cookies and headers. */
function request(
  cookies: ReadonlyMap<string, string>,
  more: Partial<RequestView> & { csrf?: string } = {},
): RequestView {
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const headers: Record<string, string | undefined> = { cookie, 'x-csrf-token': more.csrf }
  return { method: 'GET', url: '/', header: (name) => headers[name], ...more }
}

const ACCESS = '__Host-access_token'
const CSRF = '__Host-csrf_access_token'

describe('a login in cookies', () => {
  it('is carried by the cookies that were set, and ended by those that clear them', async () => {
    const { auth } = await openRescind({ locations: ['cookie'] })
    const set = auth.cookies.set(await auth.issue({ sub: 'alice' }))
    expect(set).toHaveLength(4)
    for (const line of set) expect(/HttpOnly/.test(line)).toBe(!line.includes('csrf'))
    for (const line of set) expect(line).toMatch(/; Path=\/; .*Secure.*SameSite=Lax/)
    const decision = await auth.check(request(jar(...set)))
    expect(decision).toMatchObject({ ok: true, principal: { sub: 'alice', location: 'cookie' } })
    expect([...jar(...set, ...auth.cookies.unset())]).toEqual([])
    expect([...jar(...set, ...auth.cookies.unsetAccess()).keys()]).toEqual([
      '__Host-refresh_token',
      '__Host-csrf_refresh_token',
    ])
  })

  it('lives in the browser for as long as its tokens', async () => {
    const { auth } = await openRescind({ locations: ['cookie'], accessTtlSeconds: 60, refreshTtlSeconds: 3_600 })
    const [access, , refresh] = auth.cookies.set(await auth.issue({ sub: 'alice' }))
    expect(access).toContain('Max-Age=60')
    expect(refresh).toContain('Max-Age=3600')
  })

  it('is refreshed by the refresh cookie, which no other route reads', async () => {
    const { auth } = await openRescind({ locations: ['cookie'] })
    const cookies = jar(...auth.cookies.set(await auth.issue({ sub: 'alice' })))
    const csrf = cookies.get('__Host-csrf_refresh_token') ?? ''
    const decision = await auth.check(request(cookies, { method: 'POST', csrf }), { type: 'refresh' })
    if (!decision.ok || decision.principal === null) throw new Error('it was refused')
    const renewed = jar(...auth.cookies.set(await auth.refresh(decision.principal.token)))
    expect(await auth.check(request(renewed))).toMatchObject({ ok: true, principal: { sub: 'alice', fresh: false } })
    cookies.delete(ACCESS)
    expect(await auth.check(request(cookies))).toMatchObject({ ok: false, error: { code: 'token_missing' } })
  })

  it('gets the same successor, CSRF token and all, in every tab that refreshes at once', async () => {
    const { auth } = await openRescind({ locations: ['cookie'] })
    const { refreshToken } = await auth.issue({ sub: 'alice' })
    const pairs = await Promise.all(Array.from({ length: 5 }, () => auth.refresh(refreshToken)))
    expect(new Set(pairs.map((pair) => `${pair.refreshToken} ${pair.refreshCsrfToken}`)).size).toBe(1)
    expect(pairs[0]?.refreshCsrfToken).toBe(payloadOf(pairs[0]?.refreshToken ?? '').csrf)
  })
})

// A22: what a browser may be made to send, by its method, its token and where it comes from.
describe('the CSRF matrix', () => {
  const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']
  const bodies = ['application/json', 'application/x-www-form-urlencoded', 'text/plain', undefined]

  it('nothing that changes state passes without the CSRF token of the very cookie', async () => {
    const { auth } = await openRescind({ locations: ['cookie'] })
    const victim = jar(...auth.cookies.set(await auth.issue({ sub: 'victim' })))
    const attacker = jar(...auth.cookies.set(await auth.issue({ sub: 'attacker' })))
    const older = jar(...auth.cookies.set(await auth.issue({ sub: 'victim' })))
    const tossed = new Map([...victim, [CSRF, attacker.get(CSRF) ?? '']])
    const genuine = victim.get(CSRF) ?? ''
    const attempts: [string, ReadonlyMap<string, string>, string | undefined][] = [
      ['no CSRF token', victim, undefined],
      ['an empty one', victim, ''],
      ["the attacker's own", victim, attacker.get(CSRF)],
      ["the attacker's own, with his cookie tossed", tossed, attacker.get(CSRF)],
      ["that of another session of the victim's", victim, older.get(CSRF)],
      ['that of the refresh token', victim, victim.get('__Host-csrf_refresh_token')],
      ['a prefix of the genuine one', victim, genuine.slice(0, -1)],
      ['the genuine one in upper case', victim, genuine.toUpperCase()],
    ]
    let tried = 0
    for (const method of methods) {
      for (const type of bodies) {
        for (const [name, cookies, csrf] of attempts) {
          const base = request(cookies, { method, ...(csrf === undefined ? {} : { csrf }) })
          const view = { ...base, header: (each: string) => (each === 'content-type' ? type : base.header(each)) }
          const decision = await auth.check({ ...view, body: () => ({ csrf_token: csrf }) })
          const expected = method === 'GET' || method === 'HEAD' ? 'ok' : 'csrf_failed'
          expect(decision.ok ? 'ok' : decision.error.code, `${method} ${type} with ${name}`).toBe(expected)
          tried += 1
        }
      }
    }
    expect(tried).toBeGreaterThanOrEqual(60)
    expect(await auth.check(request(victim, { method: 'POST', csrf: genuine }))).toMatchObject({ ok: true })
  })

  it('a token in a header needs none, and one in a cookie that names none never passes', async () => {
    const { auth } = await openRescind({ locations: ['header', 'cookie'] })
    const plain = await openRescind()
    const { accessToken } = await auth.issue({ sub: 'alice' })
    const header = (name: string) => (name === 'authorization' ? `Bearer ${accessToken}` : undefined)
    expect(await auth.check({ method: 'POST', url: '/', header })).toMatchObject({ ok: true })
    const foreign = (await plain.auth.issue({ sub: 'alice' })).accessToken
    const cookies = new Map([[ACCESS, foreign]])
    expect(await auth.check(request(cookies))).toMatchObject({ ok: true })
    for (const csrf of ['', 'undefined', 'null', 'x']) {
      expect(await auth.check(request(cookies, { method: 'POST', csrf }))).toMatchObject({
        ok: false,
        error: { code: 'csrf_failed' },
      })
    }
  })

  it('the form field counts only where it is asked for, and nothing is asked for with csrf: false', async () => {
    const form = { method: 'POST', 'content-type': 'application/x-www-form-urlencoded' }
    for (const [csrf, expected] of [
      [{}, false],
      [{ form: true }, true],
      [false, true],
    ] as const) {
      const { auth } = await openRescind({ locations: ['cookie'], csrf })
      const pair = await auth.issue({ sub: 'alice' })
      const base = request(jar(...auth.cookies.set(pair)), { method: 'POST' })
      const header = (name: string) => (name === 'content-type' ? form['content-type'] : base.header(name))
      const decision = await auth.check({ ...base, header, body: () => ({ csrf_token: pair.csrfToken }) })
      expect(decision.ok).toBe(expected)
      expect(pair.csrfToken === null).toBe(csrf === false)
    }
  })
})

describe('a request with several tokens', () => {
  it('is refused where they differ, wherever they are, and passes where they are one', async () => {
    const { auth } = await openRescind({ locations: ['header', 'cookie', 'query', 'body'], csrf: false })
    const one = (await auth.issue({ sub: 'alice' })).accessToken
    const two = (await auth.issue({ sub: 'mallory' })).accessToken
    const carrying = (header: string, cookie: string, query: string): RequestView => ({
      method: 'GET',
      url: `/?token=${query}`,
      header: (name) =>
        name === 'authorization' ? `Bearer ${header}` : name === 'cookie' ? `${ACCESS}=${cookie}` : undefined,
    })
    expect(await auth.check(carrying(one, one, one))).toMatchObject({ ok: true, principal: { location: 'header' } })
    for (const view of [carrying(one, two, one), carrying(two, one, one), carrying(one, one, two)]) {
      expect(await auth.check(view)).toMatchObject({ ok: false, error: { code: 'token_malformed' } })
    }
    // A route may look in fewer places, or in others than the rest.
    expect(await auth.check(carrying(one, two, two), { locations: ['header'] })).toMatchObject({ ok: true })
    expect(await auth.check(carrying(one, two, two), { locations: ['query'] })).toMatchObject({
      ok: true,
      principal: { sub: 'mallory', location: 'query' },
    })
  })
})

describe('implicit refresh', () => {
  const near = { locations: ['cookie', 'header'], accessTtlSeconds: 900, implicitRefreshSeconds: 300 } as const
  const untouched = { setCookies: [] }

  const openNearEnd = async (options = {}) => {
    const { auth, clock } = await openRescind({ ...near, ...options })
    const pair = await auth.issue({ sub: 'alice', claims: { role: 'editor' } })
    const cookies = jar(...auth.cookies.set(pair))
    const enter = async () => {
      const decision = await auth.check(request(cookies))
      if (!decision.ok || decision.principal === null) throw new Error('it was refused')
      return decision.principal
    }
    return { auth, clock, pair, enter }
  }

  it('leaves a token alone that is not near its end', async () => {
    const { auth, clock, enter } = await openNearEnd()
    clock.advance(599_000)
    const principal = await enter()
    expect(auth.renews(principal)).toBe(false)
    expect(auth.renew(principal, untouched)).toBeNull()
  })

  it('gives one successor to all who ask, of the same session, not fresh, and it passes in turn', async () => {
    const { auth, clock, pair, enter } = await openNearEnd()
    clock.advance(600_000)
    const all: (readonly string[])[] = []
    for (let n = 0; n < 5; n += 1) {
      clock.advance(10_000)
      all.push((await auth.renew(await enter(), untouched)) ?? [])
    }
    const tokens = new Set(all.map((lines) => jar(...lines).get(ACCESS)))
    expect(tokens.size).toBe(1)
    const [successor = ''] = tokens
    expect(payloadOf(successor)).toMatchObject({ sid: pair.sid, sub: 'alice', fresh: false, role: 'editor' })
    expect(payloadOf(successor).jti).not.toBe(payloadOf(pair.accessToken).jti)
    const renewed = jar(...(all[0] ?? []))
    clock.advance(300_000)
    const csrf = renewed.get(CSRF) ?? ''
    expect(await auth.check(request(renewed, { method: 'POST', csrf }))).toMatchObject({ ok: true })
    await auth.revoke.session(pair.sid)
    expect(await auth.check(request(renewed))).toMatchObject({ ok: false, error: { code: 'token_revoked' } })
  })

  it('does nothing where the route set or cleared the cookie itself, or the token came in a header', async () => {
    const { auth, clock, pair, enter } = await openNearEnd()
    clock.advance(700_000)
    const principal = await enter()
    expect(auth.renew(principal, { setCookies: ['theme=dark', ...auth.cookies.unset()] })).toBeNull()
    expect(auth.renew(principal, { setCookies: auth.cookies.setAccess(pair.accessToken) })).toBeNull()
    expect(auth.renew(principal, { setCookies: ['theme=dark; Path=/', 'access_token=x'] })).not.toBeNull()
    const header = (name: string) => (name === 'authorization' ? `Bearer ${pair.accessToken}` : undefined)
    const decision = await auth.check({ method: 'GET', url: '/', header })
    if (!decision.ok || decision.principal === null) throw new Error('it was refused')
    expect(auth.renew(decision.principal, untouched)).toBeNull()
  })

  it('never revives a session that was revoked after the check, nor a token that was', async () => {
    const { auth, clock, enter } = await openNearEnd()
    clock.advance(700_000)
    const principal = await enter()
    await auth.revoke.token(principal)
    expect(await auth.renew(principal, untouched)).toEqual([])
    const other = await openNearEnd()
    other.clock.advance(700_000)
    const entered = await other.enter()
    await other.auth.revoke.session(other.pair.sid)
    expect(await other.auth.renew(entered, untouched)).toEqual([])
  })

  it('never outlives the session, nor a session whose refresh token has expired', async () => {
    for (const options of [{ sessionTtlSeconds: 900 }, { refreshTtlSeconds: 650 }]) {
      const { auth, clock, enter } = await openNearEnd(options)
      clock.advance(700_000)
      expect(await auth.renew(await enter(), untouched)).toEqual([])
    }
    const { auth, clock, enter } = await openNearEnd({ sessionTtlSeconds: 1_000 })
    clock.advance(700_000)
    const cookies = jar(...((await auth.renew(await enter(), untouched)) ?? []))
    clock.advance(300_000)
    expect(await auth.check(request(cookies))).toMatchObject({ ok: false, error: { code: 'token_expired' } })
  })

  it('may not be longer than an access token lives', async () => {
    expect(await outcome(openRescind({ ...near, implicitRefreshSeconds: 901 }))).toBe('invalid_config')
  })
})
