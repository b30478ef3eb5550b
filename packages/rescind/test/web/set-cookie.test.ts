import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CookieOptions, createTokenCookies } from '../../src/web/cookies.ts'
import { configMessage, viewOf } from './helpers.ts'

const value = { token: 'a.b.c', csrf: 'secret', maxAgeSeconds: 900 }
const set = (options: CookieOptions, csrfInCookies = true) => createTokenCookies(options, csrfInCookies)

describe('the cookies of a token', () => {
  it('are set with every protection by default; scripts read the CSRF token and nothing else', () => {
    const cookies = set({})
    expect(cookies.set('access', value)).toEqual([
      '__Host-access_token=a.b.c; Max-Age=900; Path=/; Secure; HttpOnly; SameSite=Lax',
      '__Host-csrf_access_token=secret; Max-Age=900; Path=/; Secure; SameSite=Lax',
    ])
    expect(cookies.set('refresh', value)).toEqual([
      '__Host-refresh_token=a.b.c; Max-Age=900; Path=/; Secure; HttpOnly; SameSite=Lax',
      '__Host-csrf_refresh_token=secret; Max-Age=900; Path=/; Secure; SameSite=Lax',
    ])
  })

  it('are unset with the same attributes', () => {
    expect(set({}).unset('access')).toEqual([
      '__Host-access_token=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax',
      '__Host-csrf_access_token=; Max-Age=0; Path=/; Secure; SameSite=Lax',
    ])
    const narrow = set({ prefix: '', domain: 'example.com', refreshPath: '/auth', lifetime: 'session' })
    expect(narrow.unset('refresh')).toEqual([
      'refresh_token=; Max-Age=0; Domain=example.com; Path=/auth; Secure; HttpOnly; SameSite=Lax',
      'csrf_refresh_token=; Max-Age=0; Domain=example.com; Path=/; Secure; SameSite=Lax',
    ])
  })

  it('take every option', () => {
    const cookies = set({
      accessName: 'at',
      refreshName: 'rt',
      accessPath: '/api',
      refreshPath: '/auth/refresh',
      accessCsrfName: 'xa',
      refreshCsrfName: 'xr',
      accessCsrfPath: '/app',
      refreshCsrfPath: '/login',
      domain: '.example.com',
      secure: false,
      sameSite: 'Strict',
      lifetime: 'session',
      prefix: '',
    })
    expect([...cookies.set('access', value), ...cookies.set('refresh', value)]).toEqual([
      'at=a.b.c; Domain=.example.com; Path=/api; HttpOnly; SameSite=Strict',
      'xa=secret; Domain=.example.com; Path=/app; SameSite=Strict',
      'rt=a.b.c; Domain=.example.com; Path=/auth/refresh; HttpOnly; SameSite=Strict',
      'xr=secret; Domain=.example.com; Path=/login; SameSite=Strict',
    ])
    expect(set({ prefix: '__Secure-', sameSite: 'None', accessPath: '/api' }).set('access', value)[0]).toBe(
      '__Secure-access_token=a.b.c; Max-Age=900; Path=/api; Secure; HttpOnly; SameSite=None',
    )
  })

  it('leave out the CSRF token where there is none or it goes another way', () => {
    expect(set({}).set('access', { ...value, csrf: null })).toHaveLength(1)
    expect(set({}, false).set('access', value)).toHaveLength(1)
    expect(set({}, false).unset('access')).toHaveLength(1)
  })

  it('live as long as the token: whole seconds, 400 days at most, and not at all once it has ended', () => {
    const maxAge = (maxAgeSeconds: number) =>
      /Max-Age=([^;]*);/.exec(set({}).set('access', { ...value, maxAgeSeconds })[0] ?? '')?.[1]
    expect(maxAge(59.9)).toBe('59')
    expect(maxAge(Number.POSITIVE_INFINITY)).toBe('34560000')
    for (const ended of [0, -1, Number.NaN]) expect(maxAge(ended)).toBe('0')
  })

  it('are refused where a browser would drop them: over 4096 bytes of name and value', () => {
    const room = 4096 - '__Host-access_token'.length
    expect(set({}).set('access', { ...value, token: 'x'.repeat(room) })).toHaveLength(2)
    const message = configMessage(() => set({}).set('access', { ...value, token: 'x'.repeat(room + 1) }))
    expect(message).toBe(
      'the cookie __Host-access_token has 4097 bytes and browsers keep 4096: shorten the claims of the token',
    )
  })

  it('never carry what would end the value or the header', () => {
    for (const odd of ['', 'a;b', 'a\r\nSet-Cookie: x=y', 'a b', 'a,b', 'a"b', 'é', 'a\0']) {
      expect(configMessage(() => set({}).set('access', { ...value, token: odd }))).toMatch(/__Host-access_token/)
      expect(configMessage(() => set({}).set('access', { ...value, csrf: odd }))).toMatch(/__Host-csrf_access_token/)
    }
  })

  it('are known again among the cookies of a response', () => {
    const cookies = set({})
    for (const own of [cookies.set('access', value), cookies.unset('access'), ['a=b', '__Host-access_token=x']]) {
      expect(cookies.touches('access', own)).toBe(true)
      expect(cookies.touches('refresh', own)).toBe(false)
    }
    for (const other of [
      'access_token=x',
      '__host-access_token=x',
      '__Host-csrf_access_token=x; Path=/',
      'a=__Host-access_token=x',
      'a; __Host-access_token=x',
      '__Host-access_token; a=b',
      '',
    ]) {
      expect(cookies.touches('access', [other])).toBe(false)
    }
    expect(cookies.touches('access', [])).toBe(false)
    expect(cookies.touches('access', [' __Host-access_token = x'])).toBe(true)
  })

  it('come back as they were set', () => {
    const name = fc.stringMatching(/^[\w!#$%&'*+.^`|~-]{1,20}$/).filter((text) => !text.startsWith('__'))
    const text = fc.stringMatching(/^[!#-+\--:<-[\]-~]{1,60}$/)
    const prefix = fc.constantFrom<CookieOptions['prefix']>('__Host-', '__Secure-', '')
    fc.assert(
      fc.property(
        fc.uniqueArray(name, { minLength: 4, maxLength: 4 }),
        prefix,
        text,
        text,
        (names, kind, token, csrf) => {
          const [accessName, refreshName, accessCsrfName, refreshCsrfName] = names
          const cookies = set({ accessName, refreshName, accessCsrfName, refreshCsrfName, prefix: kind })
          const sent = cookies.set('access', { token, csrf, maxAgeSeconds: 60 })
          const view = viewOf({ headers: { cookie: sent.map((line) => line.split('; ')[0]).join('; ') } })
          // Quotes around a value are not part of it, and no token has them: the alphabet above leaves them out.
          expect(cookies.read(view, 'access')).toBe(token)
          expect(cookies.read(view, 'refresh')).toBeNull()
          expect(cookies.readNamed(view, `${kind}${accessCsrfName}`)).toBe(csrf)
          expect(cookies.touches('access', sent)).toBe(true)
          expect(cookies.touches('refresh', sent)).toBe(false)
        },
      ),
    )
  })
})

describe('the options of cookies', () => {
  it('have defaults', () => {
    expect(set({}).options).toEqual({
      accessName: 'access_token',
      refreshName: 'refresh_token',
      accessCsrfName: 'csrf_access_token',
      refreshCsrfName: 'csrf_refresh_token',
      accessPath: '/',
      refreshPath: '/',
      accessCsrfPath: '/',
      refreshCsrfPath: '/',
      domain: undefined,
      secure: true,
      sameSite: 'Lax',
      lifetime: 'persistent',
      prefix: '__Host-',
    })
  })

  const odd = <T>(text: unknown): T => JSON.parse(JSON.stringify(text))
  it.each<[string, CookieOptions]>([
    ['secure', { secure: false }],
    ['secure', { secure: false, prefix: '__Secure-' }],
    ['secure', { secure: false, prefix: '', sameSite: 'None' }],
    ['secure', { secure: odd('false') }],
    ['domain', { domain: 'example.com' }],
    ['accessPath', { accessPath: '/api' }],
    ['refreshPath', { refreshPath: '/auth/refresh' }],
    ['accessCsrfPath', { accessCsrfPath: '/api' }],
    ['refreshCsrfPath', { refreshCsrfPath: '/api' }],
    ['sameSite', { sameSite: odd('lax') }],
    ['lifetime', { lifetime: odd('forever') }],
    ['prefix', { prefix: odd('__host-') }],
    ['accessName', { accessName: '' }],
    ['refreshName', { refreshName: 'a b' }],
    ['accessCsrfName', { accessCsrfName: 'a=b' }],
    ['refreshCsrfName', { refreshCsrfName: 'a\r\nb' }],
    ['accessName', { accessName: '__Host-jwt' }],
    ['accessName', { accessName: '__secure-jwt', prefix: '' }],
    ['refreshName', { accessName: 'jwt', refreshName: 'jwt' }],
    ['accessCsrfName', { accessCsrfName: 'access_token' }],
    ['refreshCsrfName', { refreshCsrfName: 'csrf_access_token' }],
    ...['', 'api', '/a;b', '/a,b', '/a b', '/a\r\n', '/é'].map((refreshPath): [string, CookieOptions] => [
      'refreshPath',
      { prefix: '', refreshPath },
    ]),
    ...['', 'a b', 'a;b', 'a,b', 'a\nb', '..', 'a/b', 'a:1', '-a', 'a-', 'x'.repeat(254)].map(
      (domain): [string, CookieOptions] => ['domain', { prefix: '', domain }],
    ),
  ])('name the one that cannot be: %s in %j', (option, options) => {
    expect(configMessage(() => set(options))).toMatch(new RegExp(`^cookies\\.${option} `))
  })
})
