import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, createKeyRing, createRescind, generateKey } from 'rescind'
import { sqliteStore } from 'rescind/stores/sqlite'
import type { AppOptions } from '../../src/app.ts'
import { createApp } from '../../src/app.ts'
import { openSqlite, openTables } from '../../src/database.ts'
import { createUsers } from '../../src/repositories/users.ts'
import { createPasswords } from '../../src/services/passwords.ts'

export const PASSWORD = 'violet-tractor-9-Umbrella'

let count = 0
export const newEmail = () => `person-${++count}@example.test`

export interface RunningApp {
  readonly url: string
  readonly port: number
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>
  get(path: string, token?: string): Promise<Response>
  register(email?: string): Promise<Tokens>
  close(): Promise<void>
}

export interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
  readonly session_id: string
  readonly user: { readonly id: string; readonly email: string }
}

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** The real application on a free port, over SQLite in a temporary directory. */
export async function startApp(overrides: Partial<AppOptions> & { clock?: Clock } = {}): Promise<RunningApp> {
  const directory = mkdtempSync(join(tmpdir(), 'rescind-app-'))
  const path = join(directory, 'test.db')
  const tables = await openTables(openSqlite(path))
  const ledger = openSqlite(path)
  const auth = createRescind({
    store: sqliteStore(ledger),
    keys: createKeyRing({ active: generateKey('EdDSA') }),
    ...(overrides.clock === undefined ? {} : { clock: overrides.clock }),
  })
  await auth.ready()
  const passwords = createPasswords()
  const app = await createApp({ auth, users: createUsers(tables), passwords, registration: 'open', ...overrides })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const post = (route: string, body?: unknown, headers: Record<string, string> = {}) =>
    fetch(`${url}${route}`, {
      method: 'POST',
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
  return {
    url,
    port: Number(new URL(url).port),
    post,
    get: (route, token) => fetch(`${url}${route}`, { headers: token === undefined ? {} : bearer(token) }),
    async register(email = newEmail()) {
      const answer = await post('/auth/register', { email, password: PASSWORD })
      if (answer.status !== 201) throw new Error(`register: ${answer.status} ${await answer.text()}`)
      return (await answer.json()) as Tokens
    },
    async close() {
      await app.close()
      await auth.close()
      await tables.destroy()
      ledger.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
