import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import pg from 'pg'
import { createClient } from 'redis'
import { fileStore } from 'rescind/stores/file'
import { postgresStore } from 'rescind/stores/postgres'
import { redisStore } from 'rescind/stores/redis'
import { sqliteStore } from 'rescind/stores/sqlite'
import { startPostgres } from '../../../tools/servers/postgres.mjs'
import { startRedis } from '../../../tools/servers/redis.mjs'

/** The stores under measurement: how a server or a folder for one is made, and how a process opens a store on it. */
export const backends = {
  file: { make: folderBackend('log'), open: openFile, sharesItself: true },
  SQLite: { make: folderBackend('rescind.db'), open: openSqlite },
  PostgreSQL: {
    async make() {
      const server = await startPostgres()
      return { place: server.url, dispose: () => server.dispose() }
    },
    open: openPostgres,
  },
  Redis: {
    async make() {
      const server = await startRedis({ persistence: 'aof' })
      return { place: server.url, dispose: () => server.dispose() }
    },
    open: openRedis,
    sharesItself: true,
  },
}

function folderBackend(name) {
  return async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rescind-bench-'))
    return { place: join(folder, name), dispose: async () => rmSync(folder, { recursive: true }) }
  }
}

async function openFile(place) {
  const store = fileStore(place)
  return { store, close: () => store.close() }
}

async function openSqlite(place) {
  const database = new Database(place)
  const store = sqliteStore(database)
  return {
    store,
    async close() {
      await store.close()
      database.close()
    },
  }
}

async function openPostgres(place) {
  const pool = new pg.Pool({ connectionString: place, max: 10 })
  pool.on('error', () => {})
  const store = postgresStore(pool)
  return {
    store,
    async close() {
      await store.close()
      await pool.end()
    },
  }
}

async function openRedis(place) {
  const client = createClient({ url: place })
  client.on('error', () => {})
  await client.connect()
  const store = redisStore(client)
  return {
    store,
    async close() {
      await store.close()
      client.destroy()
    },
  }
}
