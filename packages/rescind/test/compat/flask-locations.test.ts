import { expect, it } from 'vitest'
import { ask, bearer, msg, openFlask, payloadOf, type TestRequest } from './support/flask.ts'

const EVERYWHERE = ['headers', 'cookies', 'json', 'query_string'] as const
const BAD_HEADER = msg(422, "Bad Authorization header. Expected 'Authorization: Bearer <JWT>'")
const NO_BEARER = msg(401, "Missing 'Bearer' type in 'Authorization' header. Expected 'Authorization: Bearer <JWT>'")

const json = (body: unknown, type = 'application/json'): TestRequest => ({
  method: 'POST',
  headers: { 'content-type': type },
  body,
})
const cookie = (value: string, more: TestRequest = {}): TestRequest => ({
  ...more,
  headers: { ...more.headers, cookie: value },
})

it.each<[string, ReturnType<typeof msg>]>([
  ['Bearer', BAD_HEADER],
  ['Bearer a b', BAD_HEADER],
  ['bearer abc', NO_BEARER],
  ['Basic abc', NO_BEARER],
  ['Bearer a, Bearer b', NO_BEARER],
  ['   ', msg(401, 'Missing Authorization Header')],
  [',', msg(401, 'Missing Authorization Header')],
])('answers the header "%s" as the original does', async (authorization, expected) => {
  const { jwt } = await openFlask()
  expect(await ask(jwt, { headers: { authorization } })).toEqual(expected)
})

it('finds the one field of its type in a header of several, and refuses several tokens', async () => {
  const { jwt } = await openFlask()
  const token = await jwt.createAccessToken('alice')
  for (const authorization of [`Basic abc, Bearer ${token}`, `Bearer ${token},Basic abc`, ` Bearer   ${token} ,`]) {
    expect(await ask(jwt, { headers: { authorization } }), authorization).toHaveProperty('principal.identity', 'alice')
  }
  expect(await ask(jwt, { headers: { authorization: [`Bearer ${token}`, `Bearer ${token}`] } })).toEqual(NO_BEARER)
})

it('takes another header, and one without a type', async () => {
  const { jwt } = await openFlask({ JWT_HEADER_NAME: 'X-Token', JWT_HEADER_TYPE: '' })
  const token = await jwt.createAccessToken('alice')
  expect(await ask(jwt, { headers: { 'x-token': token } })).toHaveProperty('principal.location', 'headers')
  expect(await ask(jwt, bearer(token))).toEqual(msg(401, 'Missing X-Token Header'))
  expect(await ask(jwt, { headers: { 'x-token': `Bearer ${token}` } })).toEqual(
    msg(422, "Bad X-Token header. Expected 'X-Token: <JWT>'"),
  )
})

it('finds a token in each place, by the names of access and refresh tokens', async () => {
  const { jwt } = await openFlask({ JWT_TOKEN_LOCATION: EVERYWHERE, JWT_COOKIE_CSRF_PROTECT: false })
  const access = await jwt.createAccessToken('alice')
  const refresh = await jwt.createRefreshToken('alice')
  const found = async (request: TestRequest, location: string, options = {}) =>
    expect(await ask(jwt, request, options)).toMatchObject({ principal: { identity: 'alice', location } })
  await found(bearer(access), 'headers')
  await found(cookie(`a=b; access_token_cookie=${access}`), 'cookies')
  await found(cookie(`refresh_token_cookie=${refresh}`), 'cookies', { refresh: true })
  await found(json({ access_token: access }), 'json')
  await found(json({ access_token: access }, 'application/vnd.api+json; charset=utf-8'), 'json')
  await found(json({ refresh_token: refresh }), 'json', { refresh: true })
  await found({ url: `/?jwt=${access}` }, 'query_string')
  // The first place with a token decides.
  await found({ ...bearer(access), url: '/?jwt=nonsense' }, 'headers')
  await found({ ...bearer(access), url: `/?jwt=${access}` }, 'query_string', { locations: ['query_string', 'headers'] })
})

it('says for each place why there is no token', async () => {
  const { jwt } = await openFlask({ JWT_TOKEN_LOCATION: EVERYWHERE })
  const only = (locations: (typeof EVERYWHERE)[number], request: TestRequest, options = {}) =>
    ask(jwt, request, { locations, ...options })
  expect(await only('cookies', {})).toEqual(msg(401, 'Missing cookie "access_token_cookie"'))
  expect(await only('cookies', {}, { refresh: true })).toEqual(msg(401, 'Missing cookie "refresh_token_cookie"'))
  expect(await only('query_string', { url: '/?jwt=' })).toEqual(msg(401, "Missing 'jwt' query paramater"))
  expect(await only('json', { body: { access_token: 'x' } })).toEqual(
    msg(401, 'Invalid content-type. Must be application/json.'),
  )
  for (const body of [undefined, null, [], {}, { access_token: '' }, Object.create({ access_token: 'x' })]) {
    expect(await only('json', json(body))).toEqual(msg(401, 'Missing "access_token" key in json data.'))
  }
  expect(await only('json', json({}), { refresh: true })).toEqual(msg(401, 'Missing "refresh_token" key in json data.'))
  expect(await only('json', json({ access_token: 5 }))).toEqual(
    msg(422, "Invalid token type. Token must be a <class 'bytes'>"),
  )
  expect(await ask(jwt, {}, { locations: ['headers', 'cookies', 'json'] })).toEqual(
    msg(
      401,
      'Missing JWT in headers, cookies or json (Missing Authorization Header; Missing cookie "access_token_cookie"; ' +
        'Invalid content-type. Must be application/json.)',
    ),
  )
})

it('asks for the prefix of the query parameter', async () => {
  const { jwt } = await openFlask({
    JWT_TOKEN_LOCATION: 'query_string',
    JWT_QUERY_STRING_NAME: 'auth',
    JWT_QUERY_STRING_VALUE_PREFIX: 'Bearer ',
  })
  const token = await jwt.createAccessToken('alice')
  expect(await ask(jwt, { url: `/?auth=Bearer%20${token}` })).toHaveProperty('principal.identity', 'alice')
  expect(await ask(jwt, { url: `/?auth=${token}` })).toEqual(
    msg(422, "Invalid value for query parameter 'auth'. Expected the value to start with 'Bearer '"),
  )
  expect(await ask(jwt, { url: '/?auth=Bearer%20' })).toEqual(msg(422, 'Not enough segments'))
})

it('refuses a cookie or a parameter that comes twice with different values', async () => {
  const { jwt } = await openFlask({ JWT_TOKEN_LOCATION: ['cookies', 'query_string'], JWT_COOKIE_CSRF_PROTECT: false })
  const token = await jwt.createAccessToken('alice')
  const twice = cookie(`access_token_cookie=${token}; access_token_cookie=other`)
  expect(await ask(jwt, twice)).toHaveProperty('status', 422)
  expect(await ask(jwt, { url: `/?jwt=${token}&jwt=other` })).toHaveProperty('status', 422)
  expect(await ask(jwt, { url: `/?jwt=${token}&jwt=${token}` })).toHaveProperty('principal.identity', 'alice')
})

it('protects the methods that change something against cross-site requests', async () => {
  const { jwt } = await openFlask({ JWT_TOKEN_LOCATION: ['cookies', 'headers'], JWT_CSRF_CHECK_FORM: true })
  const token = await jwt.createAccessToken('alice')
  const csrf = await jwt.getCsrfToken(token)
  const carried = `access_token_cookie=${token}`
  const post = (headers = {}, body?: unknown) => ask(jwt, cookie(carried, { method: 'POST', headers, body }))
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  expect(await ask(jwt, cookie(carried))).toHaveProperty('principal.location', 'cookies')
  expect(await post()).toEqual(msg(401, 'Missing CSRF token'))
  expect(await post({ 'x-csrf-token': csrf })).toHaveProperty('principal.identity', 'alice')
  expect(await post(form, { csrf_token: csrf })).toHaveProperty('principal.identity', 'alice')
  expect(await post({ 'x-csrf-token': 'other' })).toEqual(msg(401, 'CSRF double submit tokens do not match'))
  expect(await post({ 'x-csrf-token': [csrf, csrf] })).toEqual(msg(401, 'CSRF double submit tokens do not match'))
  // An optional route lets nobody pass who has a cookie and not the right CSRF token.
  expect(await ask(jwt, cookie(carried, { method: 'POST' }), { optional: true })).toEqual(
    msg(401, 'Missing CSRF token'),
  )
  // Nor does a token in the header of a request with a cookie: the first place decides.
  expect(await ask(jwt, cookie(carried, { ...bearer(token), method: 'POST' }))).toEqual(msg(401, 'Missing CSRF token'))
  const { csrf: _own, ...claims } = payloadOf(token)
  const without = await (await openFlask()).jwt.createAccessToken('alice', { additionalClaims: claims })
  expect(
    await ask(jwt, cookie(`access_token_cookie=${without}`, { method: 'PUT', headers: { 'x-csrf-token': 'x' } })),
  ).toEqual(msg(422, 'Missing claim: csrf'))
})

it('reads methods, headers and fields of its own for the refresh token', async () => {
  const { jwt } = await openFlask({
    JWT_TOKEN_LOCATION: 'cookies',
    JWT_CSRF_METHODS: ['GET'],
    JWT_CSRF_CHECK_FORM: true,
    JWT_REFRESH_CSRF_HEADER_NAME: 'X-Refresh',
    JWT_REFRESH_CSRF_FIELD_NAME: 'again',
  })
  const token = await jwt.createRefreshToken('alice')
  const csrf = await jwt.getCsrfToken(token)
  const get = (headers: Record<string, string>, body?: unknown) =>
    ask(jwt, cookie(`refresh_token_cookie=${token}`, { headers, body }), { refresh: true })
  expect(await get({ 'x-csrf-token': csrf })).toEqual(msg(401, 'Missing CSRF token'))
  expect(await get({ 'x-refresh': csrf })).toHaveProperty('principal.identity', 'alice')
  expect(await get({ 'content-type': 'multipart/form-data; boundary=x' }, { again: csrf })).toHaveProperty(
    'principal.identity',
    'alice',
  )
})
