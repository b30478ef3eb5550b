import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { createRescind, type RescindOptions } from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { expect, it } from 'vitest'
import { keys, openRescind } from './helpers.ts'

const typOf = (token: string) => decodeProtectedHeader(token).typ

it('is JWT unless told otherwise', async () => {
  const { auth } = await openRescind({})
  const { accessToken, refreshToken } = await auth.issue({ sub: 'alice' })
  expect([accessToken, refreshToken].map(typOf)).toEqual(['JWT', 'JWT'])
})

it('is at+jwt on every access token and no refresh token, as a verifier of RFC 9068 wants', async () => {
  const { auth, clock } = await openRescind({
    accessTokenTyp: 'at+jwt',
    issuer: 'https://id.example.test',
    audience: 'https://api.example.test',
    headers: ({ type }) => (type === 'access' ? {} : { note: 'of its own' }),
  })
  const first = await auth.issue({ sub: 'alice', fresh: true })
  const second = await auth.refresh(first.refreshToken)
  const stepped = await auth.stepUp(await auth.verify(second.accessToken))
  const single = await auth.mint({ sub: 'bob', type: 'access' })
  const accessTokens = [first.accessToken, second.accessToken, stepped, single]
  expect(accessTokens.map(typOf)).toEqual(['at+jwt', 'at+jwt', 'at+jwt', 'at+jwt'])
  expect([first.refreshToken, second.refreshToken].map(typOf)).toEqual(['JWT', 'JWT'])

  const verify = (token: string) =>
    jwtVerify(token, createLocalJWKSet(auth.jwks() as Parameters<typeof createLocalJWKSet>[0]), {
      typ: 'at+jwt',
      issuer: 'https://id.example.test',
      audience: 'https://api.example.test',
      currentDate: new Date(clock.now()),
    })
  for (const token of accessTokens) expect((await verify(token)).payload.sub).toMatch(/alice|bob/)
  await expect(verify(second.refreshToken)).rejects.toThrow(/typ/)
})

it('may change while tokens of the other kind are about, signed by the same key', async () => {
  const store = memoryStore()
  const before = createRescind({ store, keys })
  const after = createRescind({ store, keys, accessTokenTyp: 'at+jwt' })
  await Promise.all([before.ready(), after.ready()])
  const old = await before.issue({ sub: 'alice' })
  const next = await after.issue({ sub: 'alice' })
  expect([old.accessToken, next.accessToken].map(typOf)).toEqual(['JWT', 'at+jwt'])
  for (const auth of [before, after]) {
    for (const token of [old.accessToken, next.accessToken]) expect((await auth.verify(token)).sub).toBe('alice')
  }
  await Promise.all([before.close(), after.close()])
})

it('is refused by name where it is another', () => {
  const options = { store: memoryStore(), keys, accessTokenTyp: 'dpop+jwt' } as unknown as RescindOptions
  expect(() => createRescind(options)).toThrow(
    expect.objectContaining({ code: 'invalid_config', message: expect.stringContaining('accessTokenTyp') }),
  )
})
