import type { RequestView } from 'rescind'
import {
  createFlaskJwt,
  type FlaskCheckOptions,
  type FlaskOptions,
  fromFlaskConfig,
} from 'rescind/compat/flask-jwt-extended'
import { expect, it } from 'vitest'
import { forge, HS256, SECRET } from './support/flask.ts'
import { askPython } from './support/python.ts'

interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly query?: string
  readonly data?: string
}
interface Answered {
  readonly status: number
  readonly body: unknown
}

const now = Math.floor(Date.now() / 1000)
const good = { sub: 'a', type: 'access', fresh: false, jti: 'x', iat: now, nbf: now, exp: now + 900, csrf: 'c' }
const payloads: readonly unknown[] = [
  ...[
    good,
    { sub: 'a' },
    {},
    { who: 'w', sub: 's' },
    '[]',
    '{',
    { ...good, csrf: undefined },
    { ...good, type: 'refresh' },
  ],
  ...[true, now + 100, now - 100].map((fresh) => ({ ...good, fresh })),
  ...[1, now - 300, 'soon'].map((exp) => ({ ...good, exp })),
  ...[
    { exp: 1 },
    { ...good, exp: 1, iat: 'x' },
    { ...good, exp: 1, nbf: 9e9 },
    { ...good, iat: 9e9 },
    { ...good, nbf: 'x' },
  ],
  ...['x', ['x', 'y'], [], 5, [5], ''].map((aud) => ({ ...good, aud, iss: 'i' })),
  ...[
    { ...good, aud: 'y', iss: 'j' },
    { ...good, aud: 'y' },
    { ...good, aud: 'y', iss: 'j', exp: 1 },
  ],
]
const tokens = [
  ...payloads.map((payload) => forge(HS256, payload)),
  ...['abc', '..', 'a.b.c', 'x', forge(HS256, good, `${SECRET}x`), forge({ alg: 'HS512' }, good), forge('{}x', good)],
  ...[forge({ ...HS256, kid: 4 }, good), forge({ ...HS256, kid: 'k', x: 1 }, good), forge('"s"', good)],
]
const applications: readonly (readonly [FlaskOptions, FlaskCheckOptions])[] = [
  ...[{}, { optional: true }, { fresh: true }, { refresh: true }, { verifyType: false }].map(
    (options) => [{}, options] as const,
  ),
  [{ JWT_DECODE_LEEWAY: 600 }, {}],
  [{ JWT_DECODE_AUDIENCE: 'x' }, {}],
  [{ JWT_DECODE_ISSUER: 'i', JWT_DECODE_AUDIENCE: ['y', 'z'] }, {}],
  [{ JWT_IDENTITY_CLAIM: 'who', JWT_ERROR_MESSAGE_KEY: 'error' }, {}],
  [{ JWT_TOKEN_LOCATION: ['cookies', 'headers'] }, {}],
  [{ JWT_TOKEN_LOCATION: ['headers', 'cookies', 'json', 'query_string'] }, {}],
  [{ JWT_TOKEN_LOCATION: ['headers', 'cookies', 'json', 'query_string'] }, { refresh: true }],
  [{ JWT_TOKEN_LOCATION: 'query_string', JWT_QUERY_STRING_VALUE_PREFIX: 'B ', JWT_QUERY_STRING_NAME: 'q' }, {}],
  [{ JWT_TOKEN_LOCATION: ['cookies'], JWT_COOKIE_CSRF_PROTECT: false }, {}],
  [{ JWT_TOKEN_LOCATION: ['cookies'], JWT_CSRF_CHECK_FORM: true }, { optional: true }],
  [{ JWT_TOKEN_LOCATION: ['headers', 'cookies'] }, { locations: ['cookies', 'json'] }],
  [{ JWT_HEADER_TYPE: '', JWT_HEADER_NAME: 'X-T' }, {}],
]

/** One token, carried in every way. */
function carriedBy(token: string): readonly Sent[] {
  const cookie = `access_token_cookie=${token}`
  const json = { 'content-type': 'application/json' }
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const post = (headers: Record<string, string>, data = ''): Sent => ({ method: 'POST', headers, data })
  return [
    {},
    ...[`Bearer ${token}`, `Basic x, Bearer ${token}`, `Bearer ${token}, Bearer y`, `bearer ${token}`].map((value) => ({
      headers: { authorization: value },
    })),
    ...['Bearer', `Bearer ${token} z`, `Basic ${token}`].map((value) => ({ headers: { authorization: value } })),
    ...[token, `a ${token}`].map((value) => ({ headers: { 'x-t': value } })),
    ...[cookie, `refresh_token_cookie=${token}`, `a=b; ${cookie}`, 'access_token_cookie='].map((value) => ({
      headers: { cookie: value },
    })),
    ...[post({ cookie }), post({ cookie, 'x-csrf-token': 'c' }), post({ cookie, 'x-csrf-token': 'd' })],
    ...[post({ cookie, ...form }, 'csrf_token=c'), post({ cookie, authorization: `Bearer ${token}` })],
    ...[{ access_token: token }, { refresh_token: token }, {}].map((body) => post(json, JSON.stringify(body))),
    ...[post(json, '{'), post({ 'content-type': 'text/plain' }, `{"access_token":"${token}"}`)],
    ...[`?jwt=${token}`, `?q=B%20${token}`, `?q=${token}`, '?q=B%20', '?q='].map((query) => ({ query })),
  ]
}

/** The body, as a framework would have parsed it. */
function parsed({ headers, data = '' }: Sent): unknown {
  const type = headers?.['content-type']
  if (type === 'application/x-www-form-urlencoded') return Object.fromEntries(new URLSearchParams(data))
  try {
    return type === 'application/json' ? JSON.parse(data) : undefined
  } catch {
    return undefined
  }
}

/** What PyJWT 2.12 says otherwise than Debian's 2.6. */
function inNewWords(answer: Answered | undefined): unknown {
  return JSON.parse(JSON.stringify(answer).replace('"Invalid audience"', `"Audience doesn't match"`))
}

it('answers every request as the real flask-jwt-extended does', async () => {
  const [firstToken = ''] = tokens
  const ways = carriedBy(firstToken)
  const sent = [...ways, ...tokens.flatMap((token) => carriedBy(token).filter((_, way) => way % 3 === 1))]
  const expected = askPython<Answered[][]>(
    'flask-oracle.py',
    applications.map(([config, { verifyType, ...options }]) => ({
      config: { JWT_SECRET_KEY: SECRET, ...config },
      arguments: { ...options, ...(verifyType === undefined ? {} : { verify_type: verifyType }) },
      requests: sent,
    })),
  )
  for (const [at, [config, options]] of applications.entries()) {
    const jwt = createFlaskJwt(fromFlaskConfig({ JWT_SECRET_KEY: SECRET, ...config }))
    for (const [index, request] of sent.entries()) {
      const view: RequestView = {
        method: request.method ?? 'GET',
        url: `/${request.query ?? ''}`,
        header: (name) => request.headers?.[name],
        body: () => parsed(request),
      }
      const decision = await jwt.check(view, options)
      const { identity = null, location = null, claims = {} } = (decision.ok && decision.principal) || {}
      const answer = decision.ok
        ? { status: 200, body: { identity, location, claims } }
        : await jwt.answer(decision.error, view)
      const { status, body } = answer
      expect({ status, body }, JSON.stringify({ config, options, request })).toEqual(inNewWords(expected[at]?.[index]))
    }
  }
}, 60_000)
