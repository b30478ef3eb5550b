import { createKey, createKeyRing, generateKey, RescindError } from 'rescind'
import { describe, expect, it } from 'vitest'
import { headerOf, keys, openRescind, outcome, payloadOf, requestWith, verdict } from './helpers.ts'

const now = <T>(value: T) => value
const later = async <T>(value: T) => value

// Each hook may answer at once or later.
describe.each([
  ['at once', now],
  ['later', later],
])('hooks that answer %s', (_when, answer) => {
  it('add claims and header members; what is given at the mint wins', async () => {
    const { auth } = await openRescind({
      identity: (account: { id: number }) => `user-${account.id}`,
      claims: ({ identity }) => answer({ id: identity?.id ?? null, plan: 'free' }),
      headers: ({ type }) => answer({ 'x-type': type, 'x-from': 'hook' }),
    })
    const pair = await auth.issue({ identity: { id: 7 }, claims: { plan: 'pro' }, headers: { 'x-from': 'login' } })
    expect(payloadOf(pair.accessToken)).toMatchObject({ sub: 'user-7', id: 7, plan: 'pro' })
    expect(headerOf(pair.accessToken)).toMatchObject({ 'x-type': 'access', 'x-from': 'login', typ: 'JWT' })
    expect(headerOf(pair.refreshToken)).toMatchObject({ 'x-type': 'refresh', 'x-from': 'login' })
  })

  it('are asked for claims again at each refresh, while those of the login stay', async () => {
    let plan = 'free'
    const { auth } = await openRescind({ claims: () => answer({ plan }) })
    const first = await auth.issue({ sub: 'alice', claims: { role: 'editor' } })
    plan = 'pro'
    const second = await auth.refresh(first.refreshToken)
    expect(payloadOf(first.accessToken)).toMatchObject({ plan: 'free', role: 'editor' })
    expect(payloadOf(second.accessToken)).toMatchObject({ plan: 'pro', role: 'editor' })
  })

  it('choose the keys of each tenant, and no tenant passes for another', async () => {
    const [red, blue] = ['red', 'blue'].map((tenant) => {
      const key = createKey(`the secret of the tenant ${tenant}, 32 bytes at least`, { alg: 'HS256' })
      return { key, ring: createKeyRing({ active: key }) }
    })
    const tenants = new Map([
      ['red', red],
      ['blue', blue],
    ])
    const { auth } = await openRescind({
      signingKey: ({ sub }) => answer(sub.startsWith('red') ? red?.key : blue?.key),
      verificationKeys: (header) => {
        const ring = tenants.get(String(header.tenant))?.ring
        if (ring === undefined) throw new RescindError('token_invalid', 'There is no such tenant.')
        return answer(ring)
      },
    } as Parameters<typeof openRescind>[0])
    const genuine = await auth.mint({ sub: 'red-1', headers: { tenant: 'red' } })
    const posing = await auth.mint({ sub: 'red-1', headers: { tenant: 'blue' } })
    const nowhere = await auth.mint({ sub: 'red-1', headers: { tenant: 'green' } })
    for (let twice = 0; twice < 2; twice += 1) {
      expect(await verdict(auth, genuine)).toBe('ok')
      expect(await verdict(auth, posing)).toBe('token_invalid')
      expect(await verdict(auth, nowhere)).toBe('token_invalid')
    }
    await auth.revoke.token(await auth.verify(genuine))
    expect(await verdict(auth, genuine)).toBe('token_revoked')
  })

  it('forget a tenant that gets another ring, though its tokens were remembered', async () => {
    const old = createKeyRing({ active: generateKey('EdDSA') })
    let ring = old
    const { auth } = await openRescind({ keys: old, verificationKeys: () => answer(ring) })
    const { accessToken } = await auth.issue({ sub: 'alice' })
    expect(await verdict(auth, accessToken)).toBe('ok')
    ring = createKeyRing({ active: generateKey('EdDSA') })
    expect(await verdict(auth, accessToken)).toBe('token_invalid')
  })

  it('refuse claims, on every sight of the token', async () => {
    let banned = false
    const { auth } = await openRescind({ verifyClaims: ({ role }) => answer(role === 'editor' && !banned) })
    const editor = await auth.issue({ sub: 'alice', claims: { role: 'editor' } })
    const other = await auth.issue({ sub: 'bob', claims: { role: 'reader' } })
    expect(await verdict(auth, editor.accessToken)).toBe('ok')
    expect(await verdict(auth, other.accessToken)).toBe('claims_rejected')
    banned = true
    expect(await verdict(auth, editor.accessToken)).toBe('claims_rejected')
  })

  it('revoke by a list of their own, for refreshes too, and not where the route skips revocation', async () => {
    const blocked = new Set<unknown>()
    const { auth } = await openRescind({ isRevoked: ({ jti }) => answer(blocked.has(jti)) })
    const { accessToken, refreshToken } = await auth.issue({ sub: 'alice' })
    expect(await verdict(auth, accessToken)).toBe('ok')
    for (const token of [accessToken, refreshToken]) blocked.add(payloadOf(token).jti)
    expect(await verdict(auth, accessToken)).toBe('token_revoked')
    expect(await outcome(auth.refresh(refreshToken))).toBe('token_revoked')
    expect(await auth.check(requestWith(accessToken), { skipRevocation: true })).toMatchObject({ ok: true })
  })

  it('load the user, and refuse a token whose user is gone', async () => {
    const users = new Map<string, { name: string } | null>([['alice', { name: 'Alice' }]])
    const { auth } = await openRescind({ user: ({ sub }) => answer(users.get(String(sub))) })
    const { accessToken } = await auth.issue({ sub: 'alice' })
    expect((await auth.verify(accessToken)).user).toEqual({ name: 'Alice' })
    users.delete('alice')
    expect(await verdict(auth, accessToken)).toBe('user_not_found')
    users.set('alice', null)
    expect(await verdict(auth, accessToken)).toBe('user_not_found')
  })
})

describe('a hook that fails', () => {
  const fail = () => {
    throw new Error('the password of the database is hunter2')
  }
  const failLater = async () => fail()

  it.each(['verificationKeys', 'verifyClaims', 'isRevoked', 'user'])(
    '%s: the request is answered with 500',
    async (name) => {
      for (const hook of [fail, failLater]) {
        const { auth } = await openRescind({ [name]: hook })
        const { accessToken } = await auth.issue({ sub: 'alice' })
        const decision = await auth.check(requestWith(accessToken))
        if (decision.ok) throw new Error('it passed')
        expect(decision.error.code).toBe('internal_error')
        const answer = await auth.answer(decision.error, requestWith(accessToken))
        expect(answer.status).toBe(500)
        expect(JSON.stringify(answer)).not.toContain('hunter2')
      }
    },
  )

  it('refuses with the error of its own, where that is one of the library', async () => {
    const hook = () => {
      throw new RescindError('forbidden', 'Not on Sundays.')
    }
    const { auth } = await openRescind({ user: hook })
    const { accessToken } = await auth.issue({ sub: 'alice' })
    expect(await verdict(auth, accessToken)).toBe('forbidden')
  })

  it.each([undefined, null, 0, 'no', {}])('lets nothing pass that answers %j', async (value) => {
    const { auth } = await openRescind({ isRevoked: () => value as never })
    const strict = await openRescind({ verifyClaims: () => value as never })
    const { accessToken } = await auth.issue({ sub: 'alice' })
    expect(await verdict(auth, accessToken)).toBe('token_revoked')
    expect(await verdict(strict.auth, (await strict.auth.issue({ sub: 'alice' })).accessToken)).toBe('claims_rejected')
  })

  it('leaves no session behind at a login', async () => {
    const { auth } = await openRescind({ claims: failLater })
    expect(await outcome(auth.issue({ sub: 'alice' }))).toBe('internal_error')
    expect((await auth.sessions.list('alice')).sessions).toEqual([])
  })

  it('is found out at construction where it is no function, or answers no code that there is', async () => {
    expect(await outcome(openRescind({ user: 'alice' as never }))).toBe('invalid_config')
    expect(await outcome(openRescind({ answers: { token_lost: () => ({}) } as never }))).toBe('invalid_config')
  })

  it('parseClaims: what it throws refuses the token', async () => {
    const { auth } = await openRescind({
      parseClaims: ({ role }) => {
        if (role !== 'editor') throw new TypeError('not an editor')
        return { role } as const
      },
    })
    const editor = await auth.issue({ sub: 'alice', claims: { role: 'editor' } })
    expect((await auth.verify(editor.accessToken)).claims).toEqual({ role: 'editor' })
    const other = await auth.issue({ sub: 'bob' })
    expect(await verdict(auth, other.accessToken)).toBe('claims_rejected')
    // The claims of a session outlive the type that they are given.
    const refreshed = await auth.refresh(editor.refreshToken)
    expect(payloadOf(refreshed.accessToken)).toMatchObject({ role: 'editor' })
  })
})

describe('answers', () => {
  const missing = { method: 'GET', url: '/me', header: () => undefined }

  it('take the place of problem documents, for their own codes', async () => {
    const { auth } = await openRescind({
      answers: {
        token_missing: async (error, request) => ({
          status: 418,
          headers: { 'content-type': 'application/json' },
          body: { message: `${error.code} at ${request.url}` },
        }),
      },
    })
    const decision = await auth.check(missing)
    if (decision.ok) throw new Error('it passed')
    expect(await auth.answer(decision.error, missing)).toMatchObject({
      status: 418,
      body: { message: 'token_missing at /me' },
    })
    const other = await auth.answer(new RescindError('token_expired', 'Over.'), missing)
    expect(other).toMatchObject({ status: 401, body: { code: 'token_expired' } })
    expect(other.headers['www-authenticate']).toContain('invalid_token')
  })

  it('that fail become a 500, at once or later', async () => {
    const fail = () => {
      throw new Error('no')
    }
    for (const token_missing of [fail, async () => fail()]) {
      const { auth } = await openRescind({ answers: { token_missing } })
      const answer = await auth.answer(new RescindError('token_missing', 'None.'), missing)
      expect(answer).toMatchObject({ status: 500, body: { code: 'internal_error' } })
    }
  })
})

it('an identity that is no string needs its hook', async () => {
  const { auth } = await openRescind({ keys })
  expect(await outcome(auth.issue({ identity: { id: 1 } as never }))).toBe('invalid_config')
  expect(payloadOf((await auth.issue({ identity: 'alice' })).accessToken).sub).toBe('alice')
})
