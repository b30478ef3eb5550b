import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { generateKey, type Store, systemClock } from 'rescind'
import { readConfig } from '../../src/config.ts'
import type { Database } from '../../src/database.ts'
import { openBackends } from '../../src/open-backends.ts'
import { type ClientScope, createClients } from '../../src/services/clients.ts'
import { createKeySealing } from '../../src/services/key-sealing.ts'
import { createKeys } from '../../src/services/keys.ts'
import { makeAdmin } from './admins.ts'
import { type RunningApp, type StartOptions, startApp, type Tokens } from './start-app.ts'

export interface AdminApp extends RunningApp {
  readonly settings: Record<string, string>
  /** The same database as the application's, as another process has it. */
  readonly database: Database
  readonly store: Store
  /** A new administrator, with a fresh token. */
  admin(): Promise<Tokens>
  /** What a client shows that may do this. */
  client(scopes: readonly ClientScope[]): Promise<{ readonly id: string; readonly authorization: string }>
  /** Runs one statement in the database of accounts. */
  run(statement: string): Promise<void>
}

/** An application with signing keys in its database, and a hand on what it keeps. */
export async function startAdminApp(wish: StartOptions & { readonly keys?: null } = {}): Promise<AdminApp> {
  const { settings, keys: wishedKeys, ...options } = wish
  const directory = mkdtempSync(join(tmpdir(), 'rescind-admin-'))
  const all = { DATA_DIR: directory, ...settings }
  const backends = await openBackends(readConfig(all), () => {})
  const { database, store } = backends
  const keys = createKeys({
    database,
    sealing: createKeySealing(randomBytes(32)),
    alg: 'EdDSA',
    clock: systemClock,
    newId: randomUUID,
    maxTokenTtlMs: 30 * 86_400_000,
  })
  await keys.begin(() => generateKey('EdDSA'))
  const app = await startApp({
    operation: { ledger: store.ledger, keys: wishedKeys === null ? null : keys },
    ...options,
    settings: all,
  })
  const clients = createClients({ records: database.clients, clock: systemClock })
  return {
    ...app,
    settings: all,
    database,
    store,
    admin: () => makeAdmin(app, database.users),
    async client(scopes) {
      const { client, secret } = await clients.create({ name: 'a test', scopes })
      return { id: client.id, authorization: `Basic ${btoa(`${client.id}:${secret}`)}` }
    },
    run: (statement) =>
      database.inTransaction(async ({ tables }) => {
        await sql.raw(statement).execute(tables)
      }),
    async close() {
      await app.close()
      await backends.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
