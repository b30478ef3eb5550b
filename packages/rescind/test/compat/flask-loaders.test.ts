import { generateKeyPairSync } from 'node:crypto'
import { createKey } from 'rescind'
import { createFlaskJwt, type FlaskLoaders, fromFlaskConfig } from 'rescind/compat/flask-jwt-extended'
import { expect, it } from 'vitest'
import { ask, bearer, msg, openFlask, SECRET, type TestRequest } from './support/flask.ts'

const answer = (name: string) => async (first: unknown, second?: unknown) => ({
  status: 418,
  headers: { 'x-loader': name },
  body: { name, first, second },
})

it('lets each answering loader word its answer, with what the original shows it', async () => {
  const { jwt } = await openFlask(
    {},
    {
      loaders: {
        expiredToken: answer('expired'),
        invalidToken: answer('invalid'),
        needsFreshToken: answer('needs fresh'),
        revokedToken: answer('revoked'),
        tokenVerificationFailed: answer('verification failed'),
        unauthorized: answer('unauthorized'),
        userLookupError: answer('lookup error'),
        tokenInBlocklist: (_header, { sub }) => sub === 'revoked',
        tokenVerification: (_header, { sub }) => sub !== 'denied',
        userLookup: (_header, { sub }) => (sub === 'nobody' ? null : sub),
      },
    },
  )
  const told = async (name: string, request: TestRequest, options = {}) => {
    expect(await ask(jwt, request, options)).toMatchObject({ status: 418, body: { name } })
    return ask(jwt, request, options)
  }
  expect(await told('unauthorized', {})).toMatchObject({ body: { first: 'Missing Authorization Header' } })
  expect(await told('invalid', bearer('abc'))).toMatchObject({ body: { first: 'Not enough segments' } })
  for (const [name, sub, options, check] of [
    ['expired', 'alice', { expiresDelta: -1 }, {}],
    ['needs fresh', 'alice', {}, { fresh: true }],
    ['revoked', 'revoked', {}, {}],
    ['verification failed', 'denied', {}, {}],
    ['lookup error', 'nobody', {}, {}],
  ] as const) {
    const token = await jwt.createAccessToken(sub, options)
    expect(await told(name, bearer(token), check)).toMatchObject({
      body: { first: { alg: 'HS256', typ: 'JWT' }, second: { sub, type: 'access' } },
    })
  }
})

it('answers under another key, with the content type of JSON', async () => {
  const { jwt } = await openFlask({ JWT_ERROR_MESSAGE_KEY: 'message' })
  const request = { method: 'GET', url: '/', header: () => undefined }
  const decision = await jwt.check(request)
  expect(decision.ok).toBe(false)
  if (decision.ok) return
  expect(await jwt.answer(decision.error, request)).toEqual({
    status: 401,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: { message: 'Missing Authorization Header' },
  })
})

const forgetful: FlaskLoaders<unknown, string> = {
  // @ts-expect-error A forgotten return is no answer.
  tokenInBlocklist: async () => {},
}
const counting: FlaskLoaders<unknown, string> = {
  // @ts-expect-error Redis counts; zero and one are not an answer either.
  tokenInBlocklist: () => 0,
}

it.each<[string, FlaskLoaders<unknown, string>, object]>([
  ['tokenInBlocklist', { tokenInBlocklist: () => Promise.reject(new Error('secret detail')) }, {}],
  [
    'tokenVerification',
    {
      tokenVerification: () => {
        throw new Error('secret detail')
      },
    },
    {},
  ],
  ['userLookup', { userLookup: () => Promise.reject(new Error('secret detail')) }, {}],
  ['decodeKey', { decodeKey: () => Promise.reject(new Error('secret detail')) }, {}],
  ['an unsafe decodeKey', { decodeKey: () => 'short' }, {}],
  ['needsFreshToken', { needsFreshToken: () => Promise.reject(new Error('secret detail')) }, { fresh: true }],
  ['a tokenInBlocklist that forgets to answer', forgetful, {}],
  ['a tokenInBlocklist that counts', counting, {}],
])('answers 500 without a word of why when a loader fails: %s', async (_name, loaders, options) => {
  const { jwt } = await openFlask()
  const token = await jwt.createAccessToken('alice')
  const { jwt: failing } = await openFlask({}, { loaders })
  expect(await ask(failing, bearer(token), options)).toEqual(msg(500, 'Internal Server Error'))
})

it('keeps what a loader threw as the cause, for whoever logs the error', async () => {
  const reason = new Error('the database is down')
  const { jwt } = await openFlask({}, { loaders: { userLookup: () => Promise.reject(reason) } })
  const authorization = `Bearer ${await jwt.createAccessToken('alice')}`
  const decision = await jwt.check({ method: 'GET', url: '/', header: () => authorization })
  expect(decision).toMatchObject({ ok: false, error: { code: 'internal_error', cause: reason } })
})

it('rejects the creation of a token when a loader fails', async () => {
  for (const name of ['additionalClaims', 'additionalHeaders', 'encodeKey', 'userIdentity'] as const) {
    const { jwt } = await openFlask({}, { loaders: { [name]: () => Promise.reject(new Error(name)) } })
    await expect(jwt.createAccessToken('alice')).rejects.toThrow(name)
  }
})

it('passes for true alone, when claims are verified', async () => {
  // @ts-expect-error What JavaScript takes for true is not enough.
  const { jwt } = await openFlask({}, { loaders: { tokenVerification: () => 1 } })
  expect(await ask(jwt, bearer(await jwt.createAccessToken('alice')))).toEqual(
    msg(400, 'User claims verification failed'),
  )
})

it('writes what the identity loader makes of a user, and reads who the user is', async () => {
  interface Account {
    readonly id: number
    readonly name: string
  }
  const accounts: Account[] = [{ id: 7, name: 'alice' }]
  const { jwt } = await openFlask<Account, Account>(
    {},
    {
      loaders: {
        userIdentity: async ({ id }) => String(id),
        additionalClaims: ({ name }) => ({ name }),
        userLookup: async (_header, { sub }) => accounts.find(({ id }) => String(id) === sub),
      },
    },
  )
  const [alice] = accounts
  if (alice === undefined) throw new Error('no account')
  const token = await jwt.createAccessToken(alice)
  expect(await ask(jwt, bearer(token))).toMatchObject({
    principal: { identity: '7', user: alice, claims: { name: 'alice' } },
  })
})

it('signs by subject and verifies by what a token says, with the keys of the loaders', async () => {
  const secrets: Record<string, string> = { one: `${SECRET}-one`, two: `${SECRET}-two` }
  const loaders: FlaskLoaders<unknown, string> = {
    additionalHeaders: (tenant) => ({ kid: tenant }),
    encodeKey: async (tenant) => secrets[tenant] ?? '',
    decodeKey: async ({ kid }, { sub }) => (kid === sub ? (secrets[String(kid)] ?? SECRET) : SECRET),
  }
  const { jwt } = await openFlask({ JWT_SECRET_KEY: null }, { loaders })
  const token = await jwt.createAccessToken('one')
  expect(await ask(jwt, bearer(token))).toHaveProperty('principal.identity', 'one')
  const { jwt: tenantTwo } = await openFlask({ JWT_SECRET_KEY: `${SECRET}-two` })
  const forged = await tenantTwo.createAccessToken('one', { additionalHeaders: { kid: 'one' } })
  expect(await ask(jwt, bearer(forged))).toEqual(msg(422, 'Signature verification failed'))
  expect(await ask(jwt, bearer('a.b'))).toEqual(msg(422, 'Not enough segments'))
  const { jwt: other } = await openFlask({ JWT_ALGORITHM: 'HS384' })
  expect(await ask(jwt, bearer(await other.createAccessToken('one')))).toEqual(
    msg(422, 'The specified alg value is not allowed'),
  )
})

it('never verifies with an algorithm that the key of a loader is not for', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 3072 })
  const pem = String(publicKey.export({ format: 'pem', type: 'spki' }))
  const config = fromFlaskConfig({ JWT_ALGORITHM: 'RS256', JWT_DECODE_ALGORITHMS: ['HS256'] })
  const jwt = createFlaskJwt<unknown, string>(config, {
    loaders: {
      decodeKey: () => createKey(pem, { alg: 'RS256' }),
      encodeKey: () => createKey(privateKey, { alg: 'RS256' }),
    },
  })
  expect(await ask(jwt, bearer(await jwt.createAccessToken('alice')))).toHaveProperty('principal.identity', 'alice')
  const { jwt: hmac } = await openFlask({ JWT_SECRET_KEY: SECRET })
  expect(await ask(jwt, bearer(await hmac.createAccessToken('alice')))).toEqual(
    msg(422, 'Signature verification failed'),
  )
})

it('shows identities in an answer as Python does', async () => {
  const { jwt } = await openFlask({ JWT_VERIFY_SUB: false }, { loaders: { userLookup: () => null } })
  for (const [identity, shown] of [
    [5, '5'],
    [true, 'True'],
    [null, 'None'],
    ['bob', 'bob'],
  ] as const) {
    const token = await jwt.createAccessToken('x', { additionalClaims: { sub: identity } })
    expect(await ask(jwt, bearer(token))).toEqual(msg(401, `Error loading the user ${shown}`))
  }
})
