import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { type Clock, createKeyRing, createRescind, generateKey } from 'rescind'
import type { AppOptions } from '../../src/app.ts'
import { createApp } from '../../src/app.ts'
import { catchingUpRescind } from '../../src/catching-up-rescind.ts'
import { readConfig } from '../../src/config.ts'
import { openBackends } from '../../src/open-backends.ts'
import { fixedKeys, type SigningKeys } from '../../src/open-signing-keys.ts'
import { createReadiness } from '../../src/readiness.ts'
import { changesAcrossStores, changesInOneTransaction } from '../../src/services/account-changes.ts'
import { createPasswords } from '../../src/services/passwords.ts'
import { timelyRescind } from '../../src/timely-rescind.ts'
import { tokenPlaces } from '../../src/token-cookies.ts'
import { createWriteHealth } from '../../src/write-health.ts'

/** Where the application says that it is reached; its tokens name no issuer. */
export const ISSUER = 'https://id.example.test'
export const PASSWORD = 'violet-tractor-9-Umbrella'

// Applications that share a database share their key, as instances of one service do.
const sharedKey = generateKey('EdDSA')

let count = 0
export const newEmail = () => `person-${++count}@example.test`

export interface RunningApp {
  readonly server: FastifyInstance
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
export interface StartOptions extends Partial<Omit<AppOptions, 'signing'>> {
  readonly signing?: SigningKeys
  readonly clock?: Clock
  readonly settings?: Record<string, string>
}

/** The real application on a free port, over SQLite in a temporary directory unless the settings say otherwise. */
export async function startApp({ settings = {}, ...overrides }: StartOptions = {}): Promise<RunningApp> {
  const directory = mkdtempSync(join(tmpdir(), 'rescind-app-'))
  const config = readConfig({ DATA_DIR: directory, ...settings })
  const backends = await openBackends(config, () => {})
  const { database } = backends
  const writes = createWriteHealth(backends.probe)
  const { signing = fixedKeys(createKeyRing({ active: sharedKey })) } = overrides
  const rescind = createRescind({
    store: backends.store,
    keys: signing.keys,
    accessTtlSeconds: config.accessTtlSeconds,
    refreshTtlSeconds: config.refreshTtlSeconds,
    sessionTtlSeconds: config.sessionMaxAgeSeconds,
    ...tokenPlaces(overrides.issuer ?? ISSUER),
    ...(overrides.clock === undefined ? {} : { clock: overrides.clock }),
  })
  await rescind.ready()
  const auth = timelyRescind(catchingUpRescind(rescind, signing), writes)
  const app = await createApp({
    auth,
    signing,
    issuer: ISSUER,
    database,
    changes: backends.isOneDatabase ? changesInOneTransaction(auth, database) : changesAcrossStores(auth, database),
    readiness: createReadiness({ auth, users: database.users, writes, mirror: backends.mirror?.status ?? null }),
    passwords: createPasswords(),
    registration: 'open',
    operation: { ledger: backends.store.ledger, keys: null },
    trustProxy: config.trustProxy,
    corsOrigins: config.corsOrigins,
    sessionsPerUser: config.sessionsPerUser,
    sessionIdleMs: config.refreshTtlSeconds * 1000,
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
    server: app,
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
