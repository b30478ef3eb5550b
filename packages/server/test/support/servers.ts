import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { createClient } from 'redis'
import { afterAll, beforeAll } from 'vitest'
import { postgresForTests } from '../../../../tools/servers/postgres.mjs'
import { startRedis } from '../../../../tools/servers/redis.mjs'

/** A PostgreSQL server for the tests of a file; answers how to make a database that one test has to itself. */
export function usePostgres(): () => Promise<string> {
  let server: { url: string; dispose(): Promise<void> } | undefined
  beforeAll(async () => {
    server = await postgresForTests()
  }, 60_000)
  afterAll(async () => {
    await server?.dispose()
  })
  return () => createDatabase(server?.url ?? '')
}

/** Makes an empty database on a server and answers its URL. */
export async function createDatabase(serverUrl: string): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`
  await query(serverUrl, `CREATE DATABASE ${name}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return url.href
}

/** Runs one statement and answers its rows. */
export async function query(
  url: string,
  statement: string,
  values: unknown[] = [],
): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query(statement, values)
    return rows as Record<string, unknown>[]
  } finally {
    await client.end()
  }
}

/** A Redis server for the tests of a file; answers the URL of a numbered database that one test has to itself. */
export function useRedis(): () => string {
  let server: Awaited<ReturnType<typeof startRedis>> | undefined
  let used = 0
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(async () => {
    await server?.dispose()
  })
  return () => `${server?.url}/${used++}`
}

/** Sends one command to a Redis server and answers its reply. */
export async function command(url: string, args: string[]): Promise<unknown> {
  const client = createClient({ url })
  await client.connect()
  try {
    return await client.sendCommand(args)
  } finally {
    client.destroy()
  }
}
