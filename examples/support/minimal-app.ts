import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ExampleProcess, startExample } from './process.ts'

/** Defines the test of an example with a login, what is behind it and a logout, which are alike in every framework. */
export function describeMinimalApp(name: string): void {
  describe(`examples/${name}`, () => {
    let app: ExampleProcess
    beforeAll(async () => {
      app = await startExample(name, {})
    })
    afterAll(async () => {
      await app.stop()
    })
    const logIn = async (user: string) => {
      const { status, body } = await app.call('POST /login', { json: { user } })
      expect(status).toBe(200)
      return { token: String(body.accessToken), refreshToken: String(body.refreshToken) }
    }

    it('logs in, says who it is, logs out, and knows the token no more', async () => {
      const { token } = await logIn('alice')
      const other = await logIn('bob')
      expect(await app.call('GET /me', { token })).toEqual({ status: 200, body: { name: 'Alice' } })
      expect((await app.call('POST /logout', { token })).status).toBe(200)
      const refused = await app.call('GET /me', { token })
      expect([refused.status, refused.body.code]).toEqual([401, 'token_revoked'])
      expect((await app.call('POST /logout', { token })).status).toBe(401)
      expect(await app.call('GET /me', { token: other.token })).toEqual({ status: 200, body: { name: 'Bob' } })
    })

    it('refuses a login of nobody, and a request with no token or the wrong one', async () => {
      for (const json of [{ user: 'mallory' }, { user: '__proto__' }, {}]) {
        const { status, body } = await app.call('POST /login', { json })
        expect([status, body.code, body.title]).toEqual([401, 'invalid_credentials', expect.any(String)])
      }
      const nobody = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"user":"mallory"}' }
      const refused = await fetch(`${app.url}/login`, nobody)
      expect(refused.headers.get('content-type')).toMatch(/^application\/problem\+json/)
      const { refreshToken } = await logIn('alice')
      expect((await app.call('GET /me')).body.code).toBe('token_missing')
      expect((await app.call('GET /me', { token: refreshToken })).body.code).toBe('wrong_token_type')
    })

    it('answers HEAD as it answers GET, without the body', async () => {
      const { token } = await logIn('alice')
      const response = await fetch(`${app.url}/me`, { method: 'HEAD', headers: { authorization: `Bearer ${token}` } })
      expect([response.status, await response.text()]).toEqual([200, ''])
    })

    it('refuses a body that cannot be read, and one that is too large, and shows nobody its insides', async () => {
      const login = { method: 'POST', headers: { 'content-type': 'application/json' } }
      for (const body of ['{"user":', '{"user":"alice"', JSON.stringify({ user: 'x'.repeat(2_000_000) })]) {
        const response = await fetch(`${app.url}/login`, { ...login, body })
        expect(response.status).toBeOneOf([400, 401, 413])
        expect(await response.text()).not.toMatch(/\bat .+:\d+:\d+|node_modules/)
      }
      expect(app.output()).not.toMatch(/^ +at /m)
    })
  })
}
