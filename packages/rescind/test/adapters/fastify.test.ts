import { request as httpRequest } from 'node:http'
import { fastify } from 'fastify'
import { createRescind } from 'rescind'
import { fastifyGuard } from 'rescind/fastify'
import { memoryStore } from 'rescind/stores/memory'
import { describe, expect, it, onTestFinished } from 'vitest'
import { keys, openRescind } from '../session/helpers.ts'

async function openApp() {
  const { auth, clock } = await openRescind()
  const app = fastify()
  app.decorateRequest('auth', null)
  app.get('/me', { onRequest: fastifyGuard(auth) }, (request) => ({ sub: request.auth?.sub }))
  app.get('/fresh', { onRequest: fastifyGuard(auth, { fresh: true }) }, () => ({ ok: true }))
  app.get('/maybe', { onRequest: fastifyGuard(auth, { optional: true }) }, (request) => ({
    sub: request.auth?.sub ?? null,
  }))
  app.get('/any', { onRequest: fastifyGuard(auth, { type: 'any' }) }, (request) => ({ type: request.auth?.type }))
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => app.close())
  const get = async (path: string, authorization: string[] = []) =>
    new Promise<{ status: number; headers: Record<string, unknown>; body: Record<string, unknown> }>(
      (resolve, reject) => {
        const headers = authorization.flatMap((value) => ['Authorization', value])
        const sent = httpRequest(`${url}${path}`, { headers: ['Host', 'test', ...headers] }, (response) => {
          let text = ''
          response.setEncoding('utf8').on('data', (chunk: string) => {
            text += chunk
          })
          response.on('end', () => {
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: JSON.parse(text) })
          })
        })
        sent.on('error', reject).end()
      },
    )
  return { auth, clock, get }
}

describe('the Fastify guard', () => {
  it('lets a good token pass and hands on the principal', async () => {
    const { auth, get } = await openApp()
    const { accessToken, refreshToken } = await auth.issue({ sub: 'alice' })
    expect(await get('/me', [`Bearer ${accessToken}`])).toMatchObject({ status: 200, body: { sub: 'alice' } })
    expect(await get('/any', [`bearer ${refreshToken}`])).toMatchObject({ status: 200, body: { type: 'refresh' } })
  })

  it('answers a refusal as a problem with a challenge', async () => {
    const { auth, clock, get } = await openApp()
    const { accessToken, refreshToken, sid } = await auth.issue({ sub: 'alice' })
    const none = await get('/me')
    expect(none).toMatchObject({ status: 401, body: { code: 'token_missing', status: 401 } })
    expect(none.headers).toMatchObject({
      'www-authenticate': 'Bearer',
      'content-type': expect.stringMatching(/^application\/problem\+json/),
      'cache-control': 'no-store',
    })
    expect(await get('/me', [`Bearer ${refreshToken}`])).toMatchObject({
      status: 401,
      body: { code: 'wrong_token_type' },
    })
    expect(await get('/me', ['Bearer rubbish'])).toMatchObject({ status: 401, body: { code: 'token_malformed' } })
    await auth.revoke.session(sid)
    const revoked = await get('/me', [`Bearer ${accessToken}`])
    expect(revoked).toMatchObject({ status: 401, body: { code: 'token_revoked' } })
    expect(revoked.headers['www-authenticate']).toBe(
      'Bearer error="invalid_token", error_description="The token has been revoked."',
    )
    clock.advance(900_000)
    expect(await get('/me', [`Bearer ${accessToken}`])).toMatchObject({ status: 401, body: { code: 'token_expired' } })
  })

  it('asks for a fresh token as RFC 9470 words it', async () => {
    const { auth, get } = await openApp()
    const { accessToken, refreshToken } = await auth.issue({ sub: 'alice' })
    expect((await get('/fresh', [`Bearer ${accessToken}`])).status).toBe(200)
    const stale = await get('/fresh', [`Bearer ${(await auth.refresh(refreshToken)).accessToken}`])
    expect(stale).toMatchObject({ status: 401, body: { code: 'fresh_token_required' } })
    expect(stale.headers['www-authenticate']).toContain('error="insufficient_user_authentication"')
  })

  it('on an optional route none is fine and a bad one is not', async () => {
    const { auth, get } = await openApp()
    const { accessToken } = await auth.issue({ sub: 'alice' })
    expect(await get('/maybe')).toMatchObject({ status: 200, body: { sub: null } })
    expect(await get('/maybe', [`Bearer ${accessToken}`])).toMatchObject({ status: 200, body: { sub: 'alice' } })
    expect(await get('/maybe', ['Bearer rubbish'])).toMatchObject({ status: 401 })
  })

  it('two identities in one request are refused, not ranked', async () => {
    const { auth, get } = await openApp()
    const one = `Bearer ${(await auth.issue({ sub: 'alice' })).accessToken}`
    const two = `Bearer ${(await auth.issue({ sub: 'bob' })).accessToken}`
    expect(await get('/me', [one, two])).toMatchObject({ status: 401, body: { code: 'token_malformed' } })
    expect(await get('/me', [two, 'Basic abc'])).toMatchObject({ status: 401, body: { code: 'token_malformed' } })
  })

  it('while the library is not ready, answers 503 with Retry-After', async () => {
    const auth = createRescind({ store: memoryStore(), keys })
    const { accessToken } = await auth.issue({ sub: 'alice' })
    const app = fastify()
    app.decorateRequest('auth', null)
    app.get('/me', { onRequest: fastifyGuard(auth) }, () => ({}))
    onTestFinished(async () => {
      await app.close()
      await auth.close()
    })
    const answer = await app.inject({ url: '/me', headers: { authorization: `Bearer ${accessToken}` } })
    expect(answer.statusCode).toBe(503)
    expect(answer.headers['retry-after']).toBe('1')
  })
})
