import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CsrfOptions, createCsrfCheck, sameSecret } from '../../src/web/csrf.ts'
import { attempt, configMessage, viewOf } from './helpers.ts'

const FORM = 'application/x-www-form-urlencoded'

function submitted(
  request: Parameters<typeof viewOf>[0],
  options: CsrfOptions = {},
  slot: 'access' | 'refresh' = 'access',
) {
  const answer = attempt(() => createCsrfCheck(options).submitted(viewOf({ method: 'POST', ...request }), slot))
  return answer === null || typeof answer === 'string' ? answer : answer.code
}

describe('the CSRF check', () => {
  it('has defaults', () => {
    expect(createCsrfCheck({}).options).toEqual({
      methods: ['POST', 'PUT', 'PATCH', 'DELETE'],
      accessHeader: 'X-CSRF-Token',
      refreshHeader: 'X-CSRF-Token',
      form: false,
      accessField: 'csrf_token',
      refreshField: 'csrf_token',
      inCookies: true,
    })
  })

  it('protects the methods that change something, however they are written', () => {
    const applies = (method: string, options: CsrfOptions = {}) => createCsrfCheck(options).applies(viewOf({ method }))
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'post', 'Delete']) expect(applies(method)).toBe(true)
    for (const method of ['GET', 'HEAD', 'OPTIONS', '']) expect(applies(method)).toBe(false)
    expect(applies('GET', { methods: ['get', 'QUERY'] })).toBe(true)
    expect(applies('POST', { methods: ['get', 'QUERY'] })).toBe(false)
  })

  it('reads the header of the slot', () => {
    expect(submitted({ headers: { 'x-csrf-token': 's' } })).toBe('s')
    const options = { accessHeader: 'X-Access', refreshHeader: 'X-Refresh' }
    const headers = { 'x-access': 'a', 'x-refresh': 'r', 'x-csrf-token': 'x' }
    expect(submitted({ headers }, options)).toBe('a')
    expect(submitted({ headers }, options, 'refresh')).toBe('r')
    expect(submitted({ headers: { 'x-refresh': 'r' } }, options)).toBeNull()
    expect(submitted({})).toBeNull()
    expect(submitted({ headers: { 'x-csrf-token': '' } })).toBeNull()
  })

  it('refuses several headers, whatever the values', () => {
    for (const values of [['s', 's'], ['s'], []]) {
      expect(submitted({ headers: { 'x-csrf-token': values } })).toBe('csrf_failed')
    }
  })

  it.each([FORM, 'Application/X-WWW-Form-Urlencoded; charset=utf-8', 'multipart/form-data; boundary=x'])(
    'reads the field of the slot in a form, where that is asked for: %s',
    (type) => {
      const request = { headers: { 'content-type': type }, body: { a: 'access', r: 'refresh' } }
      const options = { form: true, accessField: 'a', refreshField: 'r' }
      expect(submitted(request, options)).toBe('access')
      expect(submitted(request, options, 'refresh')).toBe('refresh')
      expect(submitted(request, { ...options, form: false })).toBeNull()
      expect(submitted({ ...request, body: { csrf_token: 's' } }, { form: true })).toBe('s')
    },
  )

  it('prefers the header to the form', () => {
    const headers = { 'content-type': FORM, 'x-csrf-token': 'h' }
    expect(submitted({ headers, body: { csrf_token: 'f' } }, { form: true })).toBe('h')
    expect(submitted({ headers: { ...headers, 'x-csrf-token': '' }, body: { csrf_token: 'f' } }, { form: true })).toBe(
      'f',
    )
  })

  it('takes nothing from other bodies, from prototypes, or from what is no single text', () => {
    const field = (body: unknown, type = FORM) => submitted({ headers: { 'content-type': type }, body }, { form: true })
    expect(field({ csrf_token: 's' }, 'application/json')).toBeNull()
    expect(field({ csrf_token: 's' }, 'text/plain')).toBeNull()
    expect(field({ csrf_token: 's' }, '')).toBeNull()
    for (const none of [{}, { csrf_token: '' }, { csrf_token: null }, null, 's', [], undefined]) {
      expect(field(none)).toBeNull()
    }
    expect(field(Object.create({ csrf_token: 's' }))).toBeNull()
    for (const odd of [['s', 's'], ['s'], { 0: 's' }, 1, true]) expect(field({ csrf_token: odd })).toBe('csrf_failed')
  })

  it('never tells the token that it refuses', () => {
    const check = createCsrfCheck({})
    const refused = attempt(() => check.submitted(viewOf({ headers: { 'x-csrf-token': ['secret'] } }), 'access'))
    expect(refused).toEqual({ code: 'csrf_failed', message: 'Send one CSRF token, as text.' })
  })

  const odd = <T>(value: unknown): T => JSON.parse(JSON.stringify(value))
  it.each<[string, CsrfOptions]>([
    ['methods', { methods: [] }],
    ['methods', { methods: ['PO ST'] }],
    ['accessHeader', { accessHeader: 'a b' }],
    ['refreshHeader', { refreshHeader: '' }],
    ['accessField', { accessField: '' }],
    ['refreshField', { refreshField: odd(1) }],
    ['form', { form: odd('false') }],
    ['inCookies', { inCookies: odd(0) }],
  ])('refuses an option that cannot be: %s in %j', (option, options) => {
    expect(configMessage(() => createCsrfCheck(options))).toMatch(new RegExp(`^csrf\\.${option} must`))
  })
})

describe('sameSecret', () => {
  it('is true for equal texts and for nothing else', () => {
    const text = fc.string({ unit: 'binary' })
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(sameSecret(a, Buffer.from(a, 'utf16le').toString('utf16le'))).toBe(true)
        expect(sameSecret(a, b)).toBe(a === b)
        expect(sameSecret(a, `${a}x`)).toBe(false)
      }),
    )
    expect(sameSecret('\ud800', '\ufffd')).toBe(false)
    expect(sameSecret('\ud800', '\udbff')).toBe(false)
    expect(sameSecret('', '\0')).toBe(false)
  })
})
