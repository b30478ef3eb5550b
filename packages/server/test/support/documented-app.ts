import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { generateKey, systemClock } from 'rescind'
import type { Backends } from '../../src/backends.ts'
import { readConfig } from '../../src/config.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { openBackends } from '../../src/open-backends.ts'
import { createClients } from '../../src/services/clients.ts'
import { createKeySealing } from '../../src/services/key-sealing.ts'
import { createKeys, type Keys } from '../../src/services/keys.ts'
import { passwordLimiter } from '../../src/services/passwords.ts'
import { SERVICE_TOKEN } from './feed-app.ts'
import { type MailApp, startMailApp } from './mail-app.ts'
import type { StartOptions } from './start-app.ts'

export interface DocumentedApp extends MailApp {
  /** Every method and path that is more than a refusal, as `GET /auth/sessions/:id`. */
  routes(): Promise<string[]>
  /** What a client shows that may do everything. */
  readonly clientAuthorization: string
  readonly clientId: string
  /** Where its database is, unless the settings named another. */
  readonly dataDir: string
}

/** An application with everything that can be configured, so that every route there can be is there. */
export async function documentedApp({ settings, ...options }: StartOptions = {}): Promise<DocumentedApp> {
  const directory = mkdtempSync(join(tmpdir(), 'rescind-documented-'))
  const all = { DATA_DIR: directory, ...settings }
  const backends = await openBackends(readConfig(all), () => {})
  const { id: clientId, authorization: clientAuthorization } = await makeClient(backends)
  const app = await startMailApp({
    operation: { ledger: backends.store.ledger, keys: await databaseKeys(backends) },
    metrics: {
      metrics: createMetrics(),
      passwordQueue: passwordLimiter(),
      readers: { serviceTokens: [SERVICE_TOKEN] },
    },
    revocationFeed: { ledger: backends.store.ledger, serviceTokens: [SERVICE_TOKEN] },
    settings: all,
    ...options,
  })
  return {
    ...app,
    dataDir: directory,
    clientAuthorization,
    clientId,
    routes: () => routesOf(app.server),
    async close() {
      await app.close()
      await backends.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function makeClient({ database }: Backends): Promise<{ readonly id: string; readonly authorization: string }> {
  const clients = createClients({ records: database.clients, clock: systemClock })
  const { client, secret } = await clients.create({
    name: 'all',
    scopes: ['introspect', 'revocations:read', 'admin', 'metrics'],
  })
  return { id: client.id, authorization: `Basic ${btoa(`${client.id}:${secret}`)}` }
}

/** Keys that operators manage, though nothing here is signed with them. */
async function databaseKeys({ database }: Backends): Promise<Keys> {
  const sealing = createKeySealing(randomBytes(32))
  const maxTokenTtlMs = 30 * 86_400_000
  const keys = createKeys({ database, sealing, alg: 'EdDSA', clock: systemClock, newId: randomUUID, maxTokenTtlMs })
  await keys.begin(() => generateKey('EdDSA'))
  return keys
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

async function routesOf(server: FastifyInstance): Promise<string[]> {
  const routes = METHODS.flatMap((method) => pathsOf(server, method).map((path) => ({ method, path })))
  const real: string[] = []
  for (const { method, path } of routes) {
    // The router also holds the refusals of all other methods.
    const { statusCode } = await server.inject({ method, url: path })
    if (statusCode !== 405) real.push(`${method} ${path}`)
  }
  return real.sort()
}

/** The paths in the tree that the router prints: each line is the rest of the path above it, four columns further in. */
function pathsOf(server: FastifyInstance, method: (typeof METHODS)[number]): string[] {
  const above: string[] = []
  return server
    .printRoutes({ method })
    .split('\n')
    .flatMap((line) => {
      const found = /^([│ ]*)[├└]── (\S*)(?: \((.*)\))?$/.exec(line)
      if (found === null) return []
      const [, indent = '', part = '', methods] = found
      const depth = indent.length / 4
      const path = (above[depth - 1] ?? '') + part
      above[depth] = path
      return methods === undefined ? [] : [path]
    })
}
