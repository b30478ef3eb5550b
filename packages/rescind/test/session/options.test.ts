import { createKeyRing, createRescind, generateKey, type RescindOptions, systemRandom } from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { keys, openRescind, payloadOf } from './helpers.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

describe('options', () => {
  const store = memoryStore()
  const unusable: [name: string, options: Partial<Record<keyof RescindOptions, unknown>>][] = [
    ['store', { store: undefined }],
    ['keys', { keys: undefined }],
    ['issuer', { issuer: '' }],
    ['audience', { audience: ['a'] }],
    ['accessTtlSeconds', { accessTtlSeconds: 0 }],
    ['refreshTtlSeconds', { refreshTtlSeconds: '30d' }],
    ['sessionTtlSeconds', { sessionTtlSeconds: Number.NaN }],
    ['refreshGraceMs', { refreshGraceMs: 60_001 }],
    ['leewayMs', { leewayMs: -1 }],
    ['maxStalenessMs', { maxStalenessMs: Number.POSITIVE_INFINITY }],
    ['mode', { mode: 'sometimes' }],
    ['onUnavailable', { onUnavailable: 'shrug' }],
    ['verifiedTokenCacheSize', { verifiedTokenCacheSize: -1 }],
  ]
  it.each(unusable)('an unusable %s is refused by name', (name, options) => {
    const build = () => createRescind({ store, keys, ...options } as RescindOptions)
    expect(build).toThrow(expect.objectContaining({ code: 'invalid_config', message: expect.stringContaining(name) }))
  })

  it('in production a store that forgets is refused, unless it is meant', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    expect(() => createRescind({ store, keys })).toThrow(expect.objectContaining({ code: 'invalid_config' }))
    await createRescind({ store, keys, allowVolatile: true }).close()
  })

  it('a weak key is warned about', async () => {
    const warnings: string[] = []
    await openRescind({ onWarning: (message) => warnings.push(message) })
    expect(warnings).toEqual([])
  })
})

describe('issue', () => {
  it('writes the claims it documents', async () => {
    const { auth, clock } = await openRescind({ issuer: 'https://issuer.example', audience: 'api' })
    clock.advance(123)
    const { accessToken, refreshToken, sid } = await auth.issue({ sub: 'alice', claims: { role: 'editor' } })
    const seconds = Math.floor(clock.now() / 1000)
    const shared = {
      iss: 'https://issuer.example',
      aud: 'api',
      sub: 'alice',
      sid,
      nbf: seconds,
      auth_time: seconds,
      role: 'editor',
    }
    const uuid = expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(payloadOf(accessToken)).toEqual({
      ...shared,
      iat: seconds,
      exp: seconds + 900,
      jti: uuid,
      type: 'access',
      fresh: true,
    })
    expect(payloadOf(refreshToken)).toEqual({
      ...shared,
      iat: seconds,
      exp: seconds + 2_592_000,
      jti: uuid,
      type: 'refresh',
    })
  })

  it.each(['sub', 'exp', 'sid', 'type', 'fresh', 'csrf', 'auth_time'])(
    'the claim %s is not for callers to write',
    async (name) => {
      const { auth } = await openRescind()
      await expect(auth.issue({ sub: 'alice', claims: { [name]: 1 } })).rejects.toMatchObject({
        code: 'invalid_config',
      })
    },
  )

  it('mints no token that it would refuse', async () => {
    const { auth } = await openRescind()
    const claims = { blob: 'x'.repeat(8_000) }
    await expect(auth.issue({ sub: 'alice', claims })).rejects.toMatchObject({ code: 'invalid_config' })
    expect((await auth.sessions.list('alice')).sessions).toEqual([])
  })

  it('draws ids from the random source, and never one twice', async () => {
    let drawn = 0
    const random = (bytes: Uint8Array) => {
      drawn += bytes.length
      systemRandom(bytes)
    }
    const { auth } = await openRescind({ random, keys: createKeyRing({ active: generateKey('HS256') }) })
    const ids = new Set<unknown>()
    for (let n = 0; n < 2_000; n += 1) {
      const pair = await auth.issue({ sub: 'alice' })
      for (const id of [pair.sid, payloadOf(pair.accessToken).jti, payloadOf(pair.refreshToken).jti]) ids.add(id)
    }
    expect(ids.size).toBe(6_000)
    expect(drawn).toBeGreaterThanOrEqual(60_000)
  })

  it('frozen: what one request reads, no other can have changed', async () => {
    const { auth } = await openRescind()
    const { accessToken } = await auth.issue({ sub: 'alice', claims: { roles: ['editor'] } })
    const { claims } = await auth.verify(accessToken)
    expect(Object.isFrozen(claims) && Object.isFrozen(claims.roles)).toBe(true)
  })
})
