import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backendsUnderTest } from './support/backends.ts'
import { expectProblem } from './support/problems.ts'
import { sendRaw } from './support/raw-http.ts'
import { bearer, type RunningApp, startApp, type Tokens } from './support/start-app.ts'

describe.each(backendsUnderTest)('over $name', ({ prepare }) => {
  const settings = prepare()
  let app: RunningApp
  beforeAll(async () => {
    app = await startApp({ settings: await settings() })
  })
  afterAll(() => app.close())

  const logout = (token: string) => app.post('/auth/logout', undefined, bearer(token))
  const refresh = (token: string) => app.post('/auth/refresh', { refresh_token: token })

  describe('status', () => {
    it('answers who and what the token is', async () => {
      const { access_token, user, session_id } = await app.register()
      const answer = await app.get('/auth/status', access_token)
      expect(answer.status).toBe(200)
      expect(await answer.json()).toEqual({
        user,
        session: {
          id: session_id,
          created_at: expect.any(String),
          last_used_at: expect.any(String),
          expires_at: expect.any(String),
          ip: '127.0.0.1',
          user_agent: expect.any(String),
          device: null,
          current: true,
        },
        token: {
          id: expect.any(String),
          type: 'access',
          fresh: true,
          issued_at: expect.any(String),
          expires_at: expect.any(String),
        },
      })
    })

    it('refuses what is no access token', async () => {
      const { refresh_token } = await app.register()
      const missing = await app.get('/auth/status')
      expect(missing.headers.get('www-authenticate')).toMatch(/^Bearer/)
      await expectProblem(missing, 'token_missing')
      const wrongType = await app.get('/auth/status', refresh_token)
      expect(wrongType.headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_token"/)
      await expectProblem(wrongType, 'wrong_token_type')
      await expectProblem(await app.get('/auth/status', 'garbage'), 'token_malformed')
    })
  })

  describe('refresh', () => {
    it('takes the token from the body or the header, and mints tokens that are not fresh', async () => {
      const first = await app.register()
      const byBody = await refresh(first.refresh_token)
      expect(byBody.status).toBe(200)
      expect(byBody.headers.get('cache-control')).toBe('no-store')
      const second = (await byBody.json()) as Tokens
      expect(second).toMatchObject({ user: first.user, session_id: first.session_id })
      expect(second.refresh_token).not.toBe(first.refresh_token)
      const byHeader = await app.post('/auth/refresh', undefined, bearer(second.refresh_token))
      expect(byHeader.status).toBe(200)
      const third = (await byHeader.json()) as Tokens
      const status = await app.get('/auth/status', third.access_token)
      expect(await status.json()).toMatchObject({ token: { fresh: false } })
      const emptyBody = { ...bearer(third.refresh_token), 'content-type': 'application/json' }
      expect((await app.post('/auth/refresh', undefined, emptyBody)).status).toBe(200)
    })

    it('takes the same token twice, refuses two different ones', async () => {
      const { refresh_token, access_token } = await app.register()
      const different = await app.post('/auth/refresh', { refresh_token }, bearer(access_token))
      await expectProblem(different, 'invalid_request')
      expect((await app.post('/auth/refresh', { refresh_token }, bearer(refresh_token))).status).toBe(200)
    })

    it('refuses what is no refresh token', async () => {
      const { access_token, refresh_token } = await app.register()
      await expectProblem(await app.post('/auth/refresh'), 'token_missing')
      await expectProblem(await app.post('/auth/refresh', {}), 'token_missing')
      await expectProblem(await refresh(access_token), 'wrong_token_type')
      await expectProblem(await refresh('garbage'), 'token_malformed')
      await expectProblem(await app.post('/auth/refresh', { refresh_token: 7 }), 'invalid_request')
      await expectProblem(await app.post('/auth/refresh', { refresh_token, more: 1 }), 'invalid_request')
      expect((await refresh(refresh_token)).status).toBe(200)
    })

    it('ends the session when a refresh token is used again', async () => {
      const first = await app.register()
      const second = (await (await refresh(first.refresh_token)).json()) as Tokens
      const third = (await (await refresh(second.refresh_token)).json()) as Tokens
      await expectProblem(await refresh(first.refresh_token), 'refresh_token_reused')
      await expectProblem(await app.get('/auth/status', third.access_token), 'token_revoked')
      await expectProblem(await refresh(third.refresh_token), 'token_revoked')
    })

    it('refuses several Authorization headers', async () => {
      const { refresh_token } = await app.register()
      const header = `Authorization: Bearer ${refresh_token}\r\n`
      const answer = await sendRaw(
        app.port,
        `POST /auth/refresh HTTP/1.1\r\nHost: x\r\n${header}${header}Content-Length: 0\r\nConnection: close\r\n\r\n`,
      )
      expect(answer).toMatch(/^HTTP\/1.1 401 /)
      expect(answer).toContain('"token_malformed"')
    })
  })

  describe('logout', () => {
    it.each(['access_token', 'refresh_token'] as const)('by %s kills both tokens at once', async (which) => {
      const tokens = await app.register()
      const answer = await logout(tokens[which])
      expect(answer.status).toBe(204)
      expect(await answer.text()).toBe('')
      await expectProblem(await app.get('/auth/status', tokens.access_token), 'token_revoked')
      await expectProblem(await refresh(tokens.refresh_token), 'token_revoked')
      const again = await logout(tokens[which])
      expect(again.headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_token"/)
      await expectProblem(again, 'token_revoked')
    })

    it('kills the tokens of earlier refreshes too, and leaves other sessions alone', async () => {
      const first = await app.register()
      const other = (await (
        await app.post('/auth/login', { email: first.user.email, password: 'violet-tractor-9-Umbrella' })
      ).json()) as Tokens
      const second = (await (await refresh(first.refresh_token)).json()) as Tokens
      expect((await logout(second.access_token)).status).toBe(204)
      await expectProblem(await app.get('/auth/status', first.access_token), 'token_revoked')
      expect((await app.get('/auth/status', other.access_token)).status).toBe(200)
      expect((await refresh(other.refresh_token)).status).toBe(200)
    })

    it('needs a token', async () => {
      await expectProblem(await app.post('/auth/logout'), 'token_missing')
    })
  })
})
