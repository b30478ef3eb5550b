import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import pg from 'pg'
import { createKey, createKeyRing, createRescind } from 'rescind'
import { postgresStore } from 'rescind/stores/postgres'
import { sqliteStore } from 'rescind/stores/sqlite'
import { startPostgres } from '../../../tools/servers/postgres.mjs'
import { register } from './accounts.mjs'
import { oneCommitSessions } from './one-commit-sessions.mjs'
import { startProcess, startService, temporaryFolder } from './processes.mjs'

const ISSUER = 'http://127.0.0.1'

/** Where the contenders keep what they keep: a file each, or a schema each on one server. */
export const places = {
  async SQLite() {
    const { path, dispose } = temporaryFolder()
    return {
      folder: path,
      ours: { settings: {}, open: () => openSqlite(join(path, 'data', 'rescind.db')) },
      theirs: join(path, 'baseline.db'),
      dispose: async () => dispose(),
    }
  },
  async PostgreSQL() {
    const { path, dispose } = temporaryFolder()
    const server = await startPostgres({ settings: { shared_buffers: '128MB' } })
    return {
      folder: path,
      ours: { settings: { DATABASE_URL: server.url }, open: () => openPostgres(server.url) },
      theirs: server.url,
      async dispose() {
        await server.dispose()
        dispose()
      },
    }
  },
}

/**
 * The service and the baseline on one place, each in a process of its own, with one key. A contender is
 * `{ url, library, seed(count) }`: `library` does the same without HTTP, in this process.
 */
export async function startContenders(place) {
  const pair = generateKeyPairSync('ed25519')
  const jwk = { ...pair.privateKey.export({ format: 'jwk' }), alg: 'EdDSA' }
  const pem = {
    privatePem: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }),
    publicPem: pair.publicKey.export({ type: 'spki', format: 'pem' }),
  }
  const ours = await startOurs(place, jwk)
  const theirs = await startTheirs(place, pem)
  return {
    contenders: { service: ours, baseline: theirs },
    async stop() {
      await ours.stop()
      await theirs.stop()
    },
  }
}

async function startOurs({ folder, ours }, jwk) {
  const service = await startService(folder, { ...ours.settings, SIGNING_KEY: JSON.stringify(jwk), ISSUER })
  const { user } = await register(service.url, 'someone@example.test')
  const { store, close } = await ours.open()
  const auth = createRescind({
    store,
    keys: createKeyRing({ active: createKey(jwk, { alg: 'EdDSA' }) }),
    issuer: ISSUER,
  })
  await auth.ready()
  return {
    url: service.url,
    library: { refresh: (token) => auth.refresh(token), logOut: async (token) => logOut(auth, token) },
    // Begun by the library, where passwords would take a day.
    seed: (count) => Promise.all(Array.from({ length: count }, () => auth.issue({ sub: user.id }))),
    async stop() {
      await auth.close()
      await close()
      await service.stop()
    },
  }
}

async function logOut(auth, token) {
  const { sid } = await auth.verify(token)
  await auth.revoke.session(sid)
}

async function startTheirs({ folder, theirs }, pem) {
  const keys = join(folder, 'baseline-keys.json')
  writeFileSync(keys, JSON.stringify(pem), { mode: 0o600 })
  const service = await startProcess([join(import.meta.dirname, 'one-commit-service.mjs')], {
    cwd: folder,
    env: { PLACE: theirs, KEYS: keys },
  })
  const library = await oneCommitSessions(theirs, pem)
  return {
    url: service.url,
    library,
    seed: (count) => library.seed(count),
    async stop() {
      await library.close()
      await service.stop()
    },
  }
}

async function openSqlite(path) {
  const database = new Database(path)
  return { store: sqliteStore(database), close: async () => database.close() }
}

async function openPostgres(connectionString) {
  const pool = new pg.Pool({ connectionString, max: 10 })
  pool.on('error', () => {})
  return { store: postgresStore(pool), close: () => pool.end() }
}
