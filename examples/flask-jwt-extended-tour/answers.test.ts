import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runToEnd } from '../support/process.ts'
import { forge, msg, openTour, STARTING_MS, startTour, type Tour } from './tour.ts'

const HS256 = { alg: 'HS256', typ: 'JWT' }
const DETAILS = [
  'Missing Authorization Header',
  'Missing cookie "access_token_cookie"',
  'Invalid content-type. Must be application/json.',
]

describe('the default answers', () => {
  let tour: Tour
  beforeAll(async () => {
    tour = await startTour({ JWT_DECODE_ALGORITHMS: ['ES256K'] })
  }, STARTING_MS)
  afterAll(async () => {
    await tour.stop()
  })
  const protectedBy = (token: string) => tour.ask('GET /protected', { token })

  it('words what is wrong with the header', async () => {
    const send = (authorization: string) => tour.ask('GET /protected', { headers: { authorization } })
    expect(await send('')).toEqual(msg(401, 'Missing Authorization Header'))
    const noType = msg(401, "Missing 'Bearer' type in 'Authorization' header. Expected 'Authorization: Bearer <JWT>'")
    expect(await send('Basic abc')).toEqual(noType)
    expect(await send('bearer abc')).toEqual(noType)
    const bad = msg(422, "Bad Authorization header. Expected 'Authorization: Bearer <JWT>'")
    expect(await send('Bearer')).toEqual(bad)
    expect(await send('Bearer a b')).toEqual(bad)
  })

  it('words what is missing elsewhere', async () => {
    expect(await tour.ask('GET /only_cookies')).toEqual(msg(401, 'Missing cookie "access_token_cookie"'))
    expect(await tour.ask('GET /only_query_string')).toEqual(msg(401, "Missing 'jwt' query paramater"))
    expect(await tour.ask('GET /only_json')).toEqual(msg(401, 'Invalid content-type. Must be application/json.'))
    const noKey = msg(401, 'Missing "access_token" key in json data.')
    expect(await tour.ask('POST /only_json', { json: { refresh_token: 'x' } })).toEqual(noKey)
    const broken = { headers: { 'content-type': 'application/json' } }
    expect(await tour.ask('POST /only_json', broken)).toEqual(noKey)
  })

  it.each<[string, string]>([
    ['abc', 'Not enough segments'],
    ['a.b.c', 'Invalid header padding'],
    [`${'A'.repeat(4)}.e30.e30`, 'Invalid header string: Expecting value: line 1 column 1 (char 0)'],
    ['.e30.e30', 'Invalid header string: Expecting value: line 1 column 1 (char 0)'],
    [forge('[]', {}), 'Invalid header string: must be a json object'],
    ['e30.a.e30', 'Invalid payload padding'],
    ['e30.e30.a', 'Invalid crypto padding'],
    [forge(HS256, '{"a"'), "Invalid payload string: Expecting ':' delimiter: line 1 column 5 (char 4)"],
    [forge(HS256, '"text"'), 'Invalid payload string: must be a json object'],
    [forge({ alg: 'HS512' }, { sub: 'a' }), 'The specified alg value is not allowed'],
    [forge({ alg: 'none' }, { sub: 'a' }), 'The specified alg value is not allowed'],
    [forge({ alg: 'ES256K' }, { sub: 'a' }), 'Algorithm not supported'],
    [forge({ ...HS256, kid: 1 }, { sub: 'a' }), 'Key ID header parameter must be a string'],
    [forge(HS256, { sub: 'a', exp: 'x' }), 'Expiration Time claim (exp) must be an integer.'],
    [forge(HS256, { sub: 'a', iat: 'x' }), 'Issued At claim (iat) must be an integer.'],
    [forge(HS256, { sub: 'a', nbf: 'x' }), 'Not Before claim (nbf) must be an integer.'],
    [forge(HS256, { sub: 'a', nbf: 9e9 }), 'The token is not yet valid (nbf)'],
    [forge(HS256, { sub: 'a', iat: 9e9 }), 'The token is not yet valid (iat)'],
    [forge(HS256, { sub: 1 }), 'Subject must be a string'],
    [forge(HS256, { sub: 'a', jti: 1 }), 'JWT ID must be a string'],
    [`${forge(HS256, { sub: 'a' }).slice(0, -2)}AA`, 'Signature verification failed'],
    [forge(HS256, {}), 'Missing claim: sub'],
  ])('answers 422 to the token %s: %s', async (token, words) => {
    expect(await protectedBy(token)).toEqual(msg(422, words))
  })

  it('answers an expired token, and one whose claims are denied on every guarded route', async () => {
    expect(await protectedBy(await tour.mint({ identity: 'a', expires_delta: -1 }))).toEqual(
      msg(401, 'Token has expired'),
    )
    const denied = { token: await tour.mint({ identity: 'a', fresh: true, claims: { deny: true } }) }
    const paths = [
      '/protected',
      '/optionally_protected',
      '/only_headers',
      '/fresh',
      '/whoami',
      '/claims',
      '/admin',
      '/skip_revocation',
    ]
    for (const path of paths) {
      expect(await tour.ask(`GET ${path}`, denied), path).toEqual(msg(400, 'User claims verification failed'))
    }
    expect((await protectedBy(await tour.mint({ identity: 'a', claims: { deny: false } }))).status).toBe(200)
  })
})

it(
  'answers for several locations, with forms, and other names for everything',
  async () => {
    const tour = await openTour({
      JWT_TOKEN_LOCATION: ['headers', 'cookies', 'json'],
      JWT_CSRF_CHECK_FORM: true,
      JWT_CSRF_METHODS: ['PUT', 'POST'],
      JWT_ACCESS_CSRF_FIELD_NAME: 'proof',
      JWT_ACCESS_CSRF_HEADER_NAME: 'X-Proof',
      JWT_REFRESH_COOKIE_NAME: 'again',
      JWT_REFRESH_COOKIE_PATH: '/refresh_cookies',
      JWT_SESSION_COOKIE: false,
      JWT_COOKIE_SECURE: true,
      JWT_COOKIE_SAMESITE: 'Strict',
      JWT_JSON_KEY: 'key',
    })
    expect(await tour.ask('GET /protected')).toEqual(
      msg(401, `Missing JWT in headers, cookies or json (${DETAILS.join('; ')})`),
    )
    const { cookies, setCookies } = await tour.send('POST /login_with_cookies')
    expect(setCookies.find((value) => value.startsWith('again='))).toMatch(
      /; Max-Age=31540000; Path=\/refresh_cookies; Secure; HttpOnly; SameSite=Strict$/,
    )
    const { access_token_cookie = '', csrf_access_token: proof = '' } = cookies
    const carried = { cookies: { access_token_cookie } }
    expect((await tour.ask('POST /protected', { ...carried, form: { proof } })).status).toBe(200)
    expect((await tour.ask('PUT /protected', { ...carried, headers: { 'x-proof': proof } })).status).toBe(200)
    expect(await tour.ask('PUT /protected', { ...carried, form: { csrf_token: proof } })).toEqual(
      msg(401, 'Missing CSRF token'),
    )
    expect((await tour.ask('DELETE /protected', carried)).status).toBe(200)
    expect((await tour.ask('POST /only_json', { json: { key: access_token_cookie } })).body).toMatchObject({
      location: 'json',
    })
  },
  STARTING_MS,
)

it(
  'answers for audience, issuer, identity and key of the message',
  async () => {
    const tour = await openTour({
      JWT_DECODE_AUDIENCE: 'shop',
      JWT_DECODE_ISSUER: 'me',
      JWT_IDENTITY_CLAIM: 'who',
      JWT_ERROR_MESSAGE_KEY: 'error',
      JWT_VERIFY_SUB: false,
      JWT_ENCODE_NBF: false,
      JWT_ACCESS_TOKEN_EXPIRES: false,
      JWT_QUERY_STRING_VALUE_PREFIX: 'Bearer ',
    })
    const good = { who: 5, aud: ['shop', 'bank'], iss: 'me', sub: 1 }
    const told = async (change: object) =>
      (await tour.ask('GET /protected', { token: forge(HS256, { ...good, ...change }) })).body
    expect(await told({})).toEqual({ logged_in_as: 5, location: 'headers' })
    expect(await told({ aud: undefined })).toEqual({ error: 'Token is missing the "aud" claim' })
    expect(await told({ aud: 'bank' })).toEqual({ error: "Audience doesn't match" })
    expect(await told({ iss: undefined })).toEqual({ error: 'Token is missing the "iss" claim' })
    expect(await told({ iss: 'you' })).toEqual({ error: 'Invalid issuer' })
    expect(await told({ who: undefined })).toEqual({ error: 'Missing claim: who' })
    const { access } = await tour.logIn()
    expect(await tour.ask('GET /protected', { token: access })).toMatchObject({ status: 422 })
    const query = `/only_query_string?jwt=Bearer%20${forge(HS256, good)}`
    expect((await tour.ask(`GET ${query}`)).body).toMatchObject({ location: 'query_string' })
  },
  STARTING_MS,
)

it(
  'does not start with an option that does not exist, nor with a weak secret',
  async () => {
    const start = async (config: object) =>
      runToEnd('flask-jwt-extended-tour', 'main.mjs', { PORT: '0', JWT_CONFIG: JSON.stringify(config) })
    expect(await start({ JWT_TYPO: 1 })).toMatchObject({ code: 1, output: expect.stringContaining('JWT_TYPO') })
    expect(await start({ JWT_SECRET_KEY: 'super-secret' })).toMatchObject({
      code: 1,
      output: expect.stringContaining('32'),
    })
  },
  STARTING_MS,
)
