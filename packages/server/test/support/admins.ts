import { hashSync } from '@node-rs/argon2'
import type { Users } from '../../src/repositories/users.ts'
import { bearer, newEmail, PASSWORD, type RunningApp, type Tokens } from './start-app.ts'

// One for all of them: what matters is the account.
const passwordHash = hashSync(PASSWORD)

let count = 0

/** Makes an administrator, as the first start of a service does, and logs in. */
export async function makeAdmin(app: RunningApp, users: Users): Promise<Tokens> {
  const email = newEmail()
  await users.insert({
    id: `admin-${++count}`,
    email,
    emailKey: email,
    emailVerified: true,
    passwordHash,
    admin: true,
    registeredAtMs: Date.now(),
    disabledAtMs: null,
    credentialVersion: 0,
  })
  return logIn(app, email)
}

/** Logs somebody in by the password that everybody has. */
export async function logIn(app: RunningApp, email: string): Promise<Tokens> {
  const answer = await app.post('/auth/login', { email, password: PASSWORD })
  if (answer.status !== 200) throw new Error(`login: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as Tokens
}

/** Asks a route of operators and reads the answer; `undefined` for an empty one. */
export async function ask(
  app: RunningApp,
  route: string,
  { token, headers = {}, body }: { token?: string; headers?: Record<string, string>; body?: unknown },
): Promise<{ readonly status: number; readonly body: unknown }> {
  const [method = 'GET', path = '/'] = route.split(' ')
  const answer = await fetch(app.url + path, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : bearer(token)),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) }
}
