import { expect, it } from 'vitest'
import { ask, bearer, forge, HS256, msg, openFlask } from './support/flask.ts'

it('takes a token with no more than an identity, and fills in what the original does', async () => {
  const { jwt } = await openFlask()
  expect(await ask(jwt, bearer(forge(HS256, { sub: 'alice' })))).toEqual({
    principal: {
      identity: 'alice',
      claims: { type: 'access', fresh: false, jti: null, sub: 'alice' },
      header: HS256,
      location: 'headers',
      user: undefined,
      jti: null,
      expiresAtMs: undefined,
      token: forge(HS256, { sub: 'alice' }),
    },
  })
})

it('lets an OPTIONS request pass without a look at it', async () => {
  const { jwt } = await openFlask()
  const request = { method: 'OPTIONS', headers: { authorization: 'Bearer nonsense' } }
  expect(await ask(jwt, request, { fresh: true })).toEqual({ principal: null })
})

it.each<[string, unknown, unknown, ReturnType<typeof msg>]>([
  ['a kid that is no string', { ...HS256, kid: 1 }, { sub: 'a' }, msg(422, 'Key ID header parameter must be a string')],
  ['another algorithm', { alg: 'HS512' }, { sub: 'a' }, msg(422, 'The specified alg value is not allowed')],
  ['no algorithm', { typ: 'JWT' }, { sub: 'a' }, msg(422, 'Algorithm not specified')],
  ['a header that is no object', '[1]', { sub: 'a' }, msg(422, 'Invalid header string: must be a json object')],
  ['a header that is no JSON', 'x', {}, msg(422, 'Invalid header string: Expecting value: line 1 column 1 (char 0)')],
  ['a payload that is no object', HS256, '[1]', msg(422, 'Invalid payload string: must be a json object')],
  ['a payload that is no JSON', HS256, '{', payloadWords('Expecting property name enclosed in double quotes', 2, 1)],
  [
    'an exp that is no number',
    HS256,
    { sub: 'a', exp: 'soon' },
    msg(422, 'Expiration Time claim (exp) must be an integer.'),
  ],
  ['an iat that is no number', HS256, { sub: 'a', iat: 'now' }, msg(422, 'Issued At claim (iat) must be an integer.')],
  ['an nbf that is no number', HS256, { sub: 'a', nbf: [] }, msg(422, 'Not Before claim (nbf) must be an integer.')],
  ['an nbf to come', HS256, { sub: 'a', nbf: 4e9 }, msg(422, 'The token is not yet valid (nbf)')],
  ['an iat to come', HS256, { sub: 'a', iat: 4e9 }, msg(422, 'The token is not yet valid (iat)')],
  ['a sub that is no string', HS256, { sub: 5 }, msg(422, 'Subject must be a string')],
  ['a jti that is no string', HS256, { sub: 'a', jti: 5 }, msg(422, 'JWT ID must be a string')],
  ['no identity', HS256, { foo: 1 }, msg(422, 'Missing claim: sub')],
  ['an end in the past', HS256, { sub: 'a', exp: 1 }, msg(401, 'Token has expired')],
  ['an end in the past and no identity', HS256, { exp: 1 }, msg(422, 'Missing claim: sub')],
  [
    'the type of a refresh token',
    HS256,
    { sub: 'a', type: 'refresh' },
    msg(422, 'Only non-refresh tokens are allowed'),
  ],
  ['a crit header', { ...HS256, crit: ['x'], x: 1 }, { sub: 'a' }, msg(422, 'Unsupported critical extension: x')],
])('refuses a genuine token with %s in the words of PyJWT', async (_case, header, payload, expected) => {
  const { jwt } = await openFlask()
  expect(await ask(jwt, bearer(forge(header, payload)))).toEqual(expected)
})

function payloadWords(fault: string, column: number, char: number) {
  return msg(422, `Invalid payload string: ${fault}: line 1 column ${column} (char ${char})`)
}

it.each<[string, unknown, unknown, string]>([
  ['a type of another purpose', HS256, { sub: 'a', type: 'reset' }, 'Only non-refresh tokens are allowed'],
  ['a member twice', HS256, '{"sub":"a","sub":"b"}', 'Invalid payload string: must be a json object'],
  ['a key that travels with it', { ...HS256, jwk: {} }, { sub: 'a' }, 'Signature verification failed'],
  ['a typ of another kind', { ...HS256, typ: 'dpop+jwt' }, { sub: 'a' }, 'Signature verification failed'],
  [
    'a number written as text',
    HS256,
    { sub: 'a', exp: '4000000000' },
    'Expiration Time claim (exp) must be an integer.',
  ],
])('is stricter than the original with %s', async (_case, header, payload, words) => {
  const { jwt } = await openFlask()
  expect(await ask(jwt, bearer(forge(header, payload)))).toEqual(msg(422, words))
})

it('refuses every other spelling of a genuine token', async () => {
  const { jwt } = await openFlask()
  const token = await jwt.createAccessToken('alice')
  expect(await ask(jwt, bearer(token))).toHaveProperty('principal.identity', 'alice')
  for (const alias of [`${token}=`, `${token}!`, token.replace('.', '=.'), `${token}.`, token.replace('.', '..')]) {
    expect(await ask(jwt, bearer(alias)), alias).toHaveProperty('status', 422)
  }
  const last = token.at(-1) ?? ''
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  // The last character of 32 bytes has two unused bits, which Python ignores.
  const twin = alphabet[alphabet.indexOf(last) ^ 1] ?? ''
  expect(await ask(jwt, bearer(token.slice(0, -1) + twin))).toEqual(msg(422, 'Signature verification failed'))
})

it('refuses a token of another secret, and none at all', async () => {
  const { jwt } = await openFlask()
  const foreign = forge(HS256, { sub: 'alice' }, 'another-secret-another-secret-another')
  expect(await ask(jwt, bearer(foreign))).toEqual(msg(422, 'Signature verification failed'))
  expect(await ask(jwt, bearer(`${forge({ alg: 'none' }, { sub: 'a' }).split('.').slice(0, 2).join('.')}.`))).toEqual(
    msg(422, 'The specified alg value is not allowed'),
  )
  expect(await ask(jwt, bearer('abc'))).toEqual(msg(422, 'Not enough segments'))
  expect(await ask(jwt, {})).toEqual(msg(401, 'Missing Authorization Header'))
})

it('says of an algorithm that is listed, and that nobody knows, that it is not supported', async () => {
  const { jwt } = await openFlask({ JWT_DECODE_ALGORITHMS: ['HS512', 'ES256K'] })
  const told = (alg: string) => ask(jwt, bearer(forge({ alg, typ: 'JWT' }, { sub: 'alice' })))
  expect(await told('ES256K')).toEqual(msg(422, 'Algorithm not supported'))
  expect(await told('HS384')).toEqual(msg(422, 'The specified alg value is not allowed'))
  expect(await told('HS512')).toEqual(msg(422, 'Signature verification failed'))
  expect(await told('HS256')).toHaveProperty('principal.identity', 'alice')
})

it('reads times as whole seconds, as PyJWT does', async () => {
  const { jwt, clock } = await openFlask()
  const now = clock.now() / 1000
  const told = (payload: object) => ask(jwt, bearer(forge(HS256, { sub: 'alice', ...payload })))
  expect(await told({ iat: now + 0.9, nbf: now + 0.9 })).toHaveProperty('principal.identity', 'alice')
  expect(await told({ exp: now + 0.9 })).toEqual(msg(401, 'Token has expired'))
  expect(await told({ exp: now + 1 })).toHaveProperty('principal.identity', 'alice')
})

it('asks for audience and issuer in the words of PyJWT', async () => {
  const { jwt } = await openFlask({ JWT_DECODE_AUDIENCE: ['shop', 'bank'], JWT_DECODE_ISSUER: 'me' })
  const answerTo = (payload: object) => ask(jwt, bearer(forge(HS256, { sub: 'a', ...payload })))
  expect(await answerTo({ aud: ['x', 'bank'], iss: 'me' })).toHaveProperty('principal.identity', 'a')
  expect(await answerTo({ aud: 'shop', iss: 'me' })).toHaveProperty('principal.identity', 'a')
  expect(await answerTo({ iss: 'me' })).toEqual(msg(422, 'Token is missing the "aud" claim'))
  expect(await answerTo({ iss: 'me', aud: [] })).toEqual(msg(422, 'Token is missing the "aud" claim'))
  expect(await answerTo({ iss: 'me', aud: [1] })).toEqual(msg(422, 'Invalid claim format in token'))
  expect(await answerTo({ iss: 'me', aud: 'sho' })).toEqual(msg(422, "Audience doesn't match"))
  expect(await answerTo({ aud: 'shop' })).toEqual(msg(422, 'Token is missing the "iss" claim'))
  expect(await answerTo({ aud: 'shop', iss: ['me'] })).toEqual(msg(422, 'Payload Issuer (iss) must be a string'))
  expect(await answerTo({ aud: 'shop', iss: 'm' })).toEqual(msg(422, 'Invalid issuer'))
})

it('takes any audience where none is configured, and other identities where JWT_VERIFY_SUB is false', async () => {
  const { jwt } = await openFlask({ JWT_VERIFY_SUB: false, JWT_ENCODE_AUDIENCE: 'elsewhere' })
  expect(await ask(jwt, bearer(forge(HS256, { sub: 5, aud: 'anyone' })))).toHaveProperty('principal.identity', 5)
  expect(await ask(jwt, bearer(forge(HS256, { sub: { id: 7 } })))).toHaveProperty('principal.identity', { id: 7 })
})

it('looks at type, freshness, revocation, verification and user, in this order', async () => {
  const refused = new Set<string>()
  const { jwt, clock } = await openFlask<{ name: string }>(
    {},
    {
      loaders: {
        tokenInBlocklist: () => refused.has('blocklist'),
        tokenVerification: () => !refused.has('verification'),
        userLookup: (_header, { sub }) => (refused.has('lookup') ? null : { name: String(sub) }),
      },
    },
  )
  const stale = await jwt.createAccessToken('alice')
  const refresh = await jwt.createRefreshToken('alice')
  const fresh = await jwt.createAccessToken('alice', { fresh: { minutes: 1 } })
  expect(await ask(jwt, bearer(fresh), { fresh: true })).toHaveProperty('principal.user', { name: 'alice' })
  refused.add('lookup')
  expect(await ask(jwt, bearer(fresh))).toEqual(msg(401, 'Error loading the user alice'))
  refused.add('verification')
  expect(await ask(jwt, bearer(fresh))).toEqual(msg(400, 'User claims verification failed'))
  refused.add('blocklist')
  expect(await ask(jwt, bearer(fresh))).toEqual(msg(401, 'Token has been revoked'))
  expect(await ask(jwt, bearer(fresh), { skipRevocationCheck: true })).toEqual(
    msg(400, 'User claims verification failed'),
  )
  expect(await ask(jwt, bearer(stale), { fresh: true })).toEqual(msg(401, 'Fresh token required'))
  clock.advance(61_000)
  expect(await ask(jwt, bearer(fresh), { fresh: true })).toEqual(msg(401, 'Fresh token required'))
  expect(await ask(jwt, bearer(refresh), { fresh: true })).toEqual(msg(422, 'Only non-refresh tokens are allowed'))
  expect(await ask(jwt, bearer(stale), { refresh: true })).toEqual(msg(422, 'Only refresh tokens are allowed'))
  expect(await ask(jwt, bearer(stale), { verifyType: false })).toEqual(msg(401, 'Token has been revoked'))
})

it('lets an optional route go without a token, but not with a bad one', async () => {
  const { jwt, clock } = await openFlask()
  const token = await jwt.createAccessToken('alice')
  expect(await ask(jwt, {}, { optional: true })).toEqual({ principal: null })
  expect(await ask(jwt, { headers: { authorization: 'Basic abc' } }, { optional: true })).toEqual({ principal: null })
  expect(await ask(jwt, bearer(token), { optional: true })).toHaveProperty('principal.identity', 'alice')
  clock.advance(900_000)
  expect(await ask(jwt, bearer(token), { optional: true })).toEqual(msg(401, 'Token has expired'))
})
