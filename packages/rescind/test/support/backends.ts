import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { createClient } from 'redis'
import { createRescind, type Rescind, type RescindOptions, type Store } from 'rescind'
import { fileStore } from 'rescind/stores/file'
import { redisStore } from 'rescind/stores/redis'
import { sqliteStore } from 'rescind/stores/sqlite'
import { createFleet, type Fleet } from 'rescind/testing'
import { onTestFinished } from 'vitest'
import { postgresForTests } from '../../../../tools/servers/postgres.mjs'
import { redisForTests } from '../../../../tools/servers/redis.mjs'
import { keys } from '../session/helpers.ts'
import { openSchema } from '../stores/postgres-schemas.ts'

/** A place for one test's data, that any number of nodes may open. */
export interface Backend {
  /** Opens a store as a process of its own would; closed after the test. */
  connect(): Promise<Store>
}

/** Every store that several processes can share, on real files and servers. Each call makes an empty place. */
export const sharedBackends: Record<string, () => Promise<Backend>> = {
  async file() {
    const path = join(temporaryFolder(), 'log')
    return {
      async connect() {
        const store = fileStore(path)
        onTestFinished(() => store.close())
        return store
      },
    }
  },
  async SQLite() {
    const path = join(temporaryFolder(), 'rescind.db')
    return {
      async connect() {
        const database = new Database(path)
        onTestFinished(() => void database.close())
        return sqliteStore(database)
      },
    }
  },
  async PostgreSQL() {
    const server = await postgres()
    const schema = openSchema(server.url)
    onTestFinished(() => schema.dispose())
    return { connect: async () => schema.openStore(schema.openPool({ max: 8 })) }
  },
  async Redis() {
    const server = await redis()
    const prefix = `test-${randomUUID()}`
    return {
      async connect() {
        const client = createClient({ url: server.url })
        client.on('error', () => {})
        await client.connect()
        onTestFinished(() => client.destroy())
        // A machine that is busy with other tests is no server that is away.
        return redisStore(client, { prefix, commandTimeoutMs: 10_000 })
      },
    }
  },
}

let postgresServer: ReturnType<typeof postgresForTests> | undefined
let redisServer: ReturnType<typeof redisForTests> | undefined

// One of each for the whole file: they are stopped when its process ends, by `disposeServers`.
function postgres() {
  postgresServer ??= postgresForTests()
  return postgresServer
}

function redis() {
  redisServer ??= redisForTests()
  return redisServer
}

/** To be called after all tests of a file that uses {@link sharedBackends}. */
export async function disposeServers(): Promise<void> {
  await (await postgresServer)?.dispose()
  await (await redisServer)?.dispose()
}

/** Nodes over one backend, each with a store of its own; closed after the test, before their stores. */
export async function fleetOn(
  backend: Backend,
  size: number,
  options: Partial<RescindOptions> = {},
): Promise<Fleet<Rescind>> {
  const fleet = await createFleet(size, async () => createRescind({ keys, ...options, store: await backend.connect() }))
  onTestFinished(() => fleet.close())
  return fleet
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
