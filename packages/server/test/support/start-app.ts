import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, createKeyRing, createRescind, generateKey } from 'rescind'
import type { AppOptions } from '../../src/app.ts'
import { createApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { openBackends } from '../../src/open-backends.ts'
import { createReadiness } from '../../src/readiness.ts'
import { changesAcrossStores, changesInOneTransaction } from '../../src/services/account-changes.ts'
import { createPasswords } from '../../src/services/passwords.ts'
import { timelyRescind } from '../../src/timely-rescind.ts'
import { createWriteHealth } from '../../src/write-health.ts'

export const PASSWORD = 'violet-tractor-9-Umbrella'

// Applications that share a database share their key, as instances of one service do.
const sharedKey = generateKey('EdDSA')

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

/** What an application may be started with: parts of its own, a clock, and settings as the environment has them. */
export interface StartOptions extends Partial<AppOptions> {
  readonly clock?: Clock
  readonly settings?: Record<string, string>
}

/** The real application on a free port, over SQLite in a temporary directory unless the settings say otherwise. */
export async function startApp({ settings = {}, ...overrides }: StartOptions = {}): Promise<RunningApp> {
  const directory = mkdtempSync(join(tmpdir(), 'rescind-app-'))
  const backends = await openBackends(readConfig({ DATA_DIR: directory, ...settings }), () => {})
  const { database } = backends
  const writes = createWriteHealth(backends.probe)
  const rescind = createRescind({
    store: backends.store,
    keys: createKeyRing({ active: sharedKey }),
    ...(overrides.clock === undefined ? {} : { clock: overrides.clock }),
  })
  await rescind.ready()
  const auth = timelyRescind(rescind, writes)
  const app = await createApp({
    auth,
    users: database.users,
    changes: backends.isOneDatabase ? changesInOneTransaction(auth, database) : changesAcrossStores(auth, database),
    readiness: createReadiness({ auth, users: database.users, writes, mirror: backends.mirror?.status ?? null }),
    passwords: createPasswords(),
    registration: 'open',
    ...overrides,
  })
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
      await backends.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
