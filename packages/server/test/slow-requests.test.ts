import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type MailApp, startMailApp } from './support/mail-app.ts'
import { sendSlowly } from './support/slow-request.ts'
import { bearer, newEmail, PASSWORD, type Tokens } from './support/start-app.ts'

let app: MailApp
beforeAll(async () => {
  app = await startMailApp()
})
afterAll(() => app.close())

const NEW_PASSWORD = 'amber-Lighthouse-27-tuba'
const logIn = (email: string, password = PASSWORD) => app.post('/auth/login', { email, password })
const tokensOf = async (answer: Response) => (await answer.json()) as Tokens

/** Somebody with two sessions: one that asks for something, and one that ends the other. */
async function person() {
  const asking = await app.register()
  const other = await tokensOf(await logIn(asking.user.email))
  const endAsking = async () => {
    const headers = bearer(other.access_token)
    const ended = await fetch(`${app.url}/auth/sessions/${asking.session_id}`, { method: 'DELETE', headers })
    expect(ended.status).toBe(204)
  }
  return { asking, other, endAsking, email: asking.user.email }
}

type Person = Awaited<ReturnType<typeof person>>

const requests: readonly { readonly route: (of: Person) => string; readonly body: object }[] = [
  {
    route: () => 'POST /auth/password/change',
    body: { current_password: PASSWORD, new_password: NEW_PASSWORD },
  },
  { route: () => 'POST /auth/email/change', body: { email: newEmail(), password: PASSWORD } },
  { route: () => 'POST /auth/reauthenticate', body: { password: PASSWORD } },
  { route: () => 'POST /auth/logout', body: {} },
  { route: () => 'DELETE /auth/sessions', body: {} },
  { route: ({ other }) => `DELETE /auth/sessions/${other.session_id}`, body: {} },
]
const named = requests.map((wish) => ({ name: wish.route({ other: { session_id: '{id}' } } as Person), ...wish }))

describe('a session that ends while the body of its request is on its way', () => {
  it.each(named)('changes nothing by $name', async ({ route, body }) => {
    const somebody = await person()
    const { asking, other, endAsking, email } = somebody
    const wish = { headers: bearer(asking.access_token), body, meanwhile: endAsking }
    expect(await sendSlowly(app, route(somebody), wish)).toEqual({ status: 401, code: 'token_revoked' })
    expect((await app.get('/auth/status', other.access_token)).status).toBe(200)
    expect((await logIn(email, NEW_PASSWORD)).status).toBe(401)
    expect((await logIn(email)).status).toBe(200)
  })

  it.each(named)('and one that lives on is served by $name, however slow', async ({ route, body }) => {
    const somebody = await person()
    const wish = { headers: bearer(somebody.asking.access_token), body, meanwhile: async () => {} }
    expect((await sendSlowly(app, route(somebody), wish)).status).toBeLessThan(300)
  })
})
