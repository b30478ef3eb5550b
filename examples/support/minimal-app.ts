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
        expect([status, body.code]).toEqual([401, 'invalid_credentials'])
      }
      const { refreshToken } = await logIn('alice')
      expect((await app.call('GET /me')).body.code).toBe('token_missing')
      expect((await app.call('GET /me', { token: refreshToken })).body.code).toBe('wrong_token_type')
    })
  })
}
