import { RescindError } from '../../base/errors.ts'
import { type Answer, problemAnswer } from '../../web/respond.ts'
import { type RequestErrorCode, requestErrors } from '../../wire.ts'
import { type AdapterFixture, withAccess } from './fixture.ts'

const TEAPOT: Answer = {
  status: 418,
  headers: { 'content-type': 'application/vnd.tea+json', 'x-own': 'yes' },
  body: { tea: ['green'] },
}

const boom = () => new Error('a secret of the program')

/** Every refusal, whatever made the guard refuse. */
const refusals = Object.keys(requestErrors).map((name): AdapterFixture => {
  const code = name as RequestErrorCode
  return {
    name: `a refusal with ${code}`,
    guard: ({ auth }) => ({ ...auth, check: () => ({ ok: false, error: new RescindError(code, 'No.') }) }),
    request: withAccess,
    expected: { code },
  }
})

/** What happens when the guard has to wait, fails, or has answers of its own. */
export const faultFixtures: readonly AdapterFixture[] = [
  ...refusals,
  {
    name: 'a decision that takes a while',
    guard: ({ auth }) => ({ ...auth, check: async (request, options) => auth.check(request, options) }),
    request: withAccess,
    expected: { principal: { sub: 'alice' } },
  },
  {
    name: 'a refusal that takes a while',
    guard: ({ auth }) => ({ ...auth, check: async (request, options) => auth.check(request, options) }),
    request: () => ({}),
    expected: { code: 'token_missing' },
  },
  {
    name: 'a guard that rejects',
    guard: ({ auth }) => ({ ...auth, check: () => Promise.reject(boom()) }),
    request: withAccess,
    expected: { code: 'internal_error' },
  },
  {
    name: 'a guard that throws',
    guard: ({ auth }) => ({
      ...auth,
      check: () => {
        throw boom()
      },
    }),
    request: withAccess,
    expected: { code: 'internal_error' },
  },
  {
    name: 'an answer that rejects',
    guard: ({ auth }) => ({ ...auth, answer: () => Promise.reject(boom()) }),
    request: () => ({}),
    expected: { code: 'token_missing' },
  },
  {
    name: 'an answer that throws',
    guard: ({ auth }) => ({
      ...auth,
      answer: () => {
        throw boom()
      },
    }),
    request: () => ({}),
    expected: { code: 'token_missing' },
  },
  {
    name: 'a guard that gives no principal where one is required',
    guard: ({ auth }) => ({ ...auth, check: () => ({ ok: true, principal: null }) }),
    request: withAccess,
    expected: { code: 'token_missing' },
  },
  {
    name: 'a guard that asks nothing of OPTIONS',
    guard: ({ auth }) => ({ ...auth, check: () => ({ ok: true, principal: null }) }),
    request: () => ({ method: 'OPTIONS' }),
    expected: { principal: null },
  },
  {
    name: 'a renewal that rejects',
    guard: ({ auth }) => ({ ...auth, renews: () => true, renew: () => Promise.reject(boom()) }),
    request: withAccess,
    expected: { principal: { sub: 'alice' } },
  },
  {
    name: 'a renewal that throws',
    guard: ({ auth }) => ({
      ...auth,
      renews: () => true,
      renew: () => {
        throw boom()
      },
    }),
    request: withAccess,
    expected: { principal: { sub: 'alice' } },
  },
  {
    name: "the program's own answer",
    settings: { answers: { token_missing: () => TEAPOT } },
    request: () => ({}),
    expected: { answer: TEAPOT },
  },
  {
    name: "the program's own answer, which takes a while and reads the request",
    settings: {
      answers: { token_missing: async (error, { url }) => (url === '/?a=b' ? TEAPOT : problemAnswer(error)) },
    },
    request: () => ({ path: '/?a=b' }),
    expected: { answer: TEAPOT },
  },
  {
    name: 'a user who is looked up',
    settings: { user: async ({ sub }) => ({ name: `user ${sub}` }) },
    request: withAccess,
    expected: { principal: { sub: 'alice', user: { name: 'user alice' } } },
  },
  {
    name: 'a user who cannot be found',
    settings: { user: () => null },
    request: withAccess,
    expected: { code: 'user_not_found' },
  },
  {
    name: 'a look-up that rejects',
    settings: { user: () => Promise.reject(boom()) },
    request: withAccess,
    expected: { code: 'internal_error' },
  },
  {
    name: 'a store that is down',
    settings: { mode: 'ask' },
    before: ({ breakStore }) => breakStore(),
    request: withAccess,
    expected: { code: 'revocation_unavailable' },
  },
  {
    name: 'HEAD with a token',
    request: (world) => ({ ...withAccess(world), method: 'HEAD' }),
    expected: { principal: {} },
  },
  { name: 'HEAD without a token', request: () => ({ method: 'HEAD' }), expected: { code: 'token_missing' } },
  {
    name: 'OPTIONS with a token',
    request: (world) => ({ ...withAccess(world), method: 'OPTIONS' }),
    expected: { principal: { sub: 'alice' } },
  },
  { name: 'OPTIONS without a token', request: () => ({ method: 'OPTIONS' }), expected: { code: 'token_missing' } },
]
