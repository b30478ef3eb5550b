import { tmpdir } from 'node:os'
import { Pool } from 'pg'
import { createClient } from 'redis'
import type { Ledger, Revocation } from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { postgresStore } from 'rescind/stores/postgres'
import { redisStore } from 'rescind/stores/redis'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type PrivateRedis, startRedis } from '../../../tools/servers/redis.mjs'
import { readConfig } from '../src/config.ts'
import { openBackends } from '../src/open-backends.ts'
import { type MirrorPlaces, type RevocationMirror, startRevocationMirror } from '../src/revocation-mirror.ts'
import { command, query, usePostgres } from './support/servers.ts'
import { bearer, type RunningApp, startApp } from './support/start-app.ts'

const ends: (() => unknown)[] = []
let redis: PrivateRedis
beforeEach(async () => {
  redis = await startRedis()
  ends.push(() => redis.dispose())
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** The mirror as a resource server would find it. */
async function openMirror(): Promise<Ledger> {
  const client = createClient({ url: redis.url }).on('error', () => {})
  await client.connect()
  ends.push(() => client.destroy())
  return redisStore(client).ledger
}

async function recordsOf(ledger: Ledger): Promise<Revocation[]> {
  const records: Revocation[] = []
  for await (const page of ledger.read(null)) records.push(...page.records)
  return records
}

const within10s = { timeout: 10_000 }

describe('revocations in PostgreSQL are mirrored to Redis', () => {
  const database = usePostgres()
  let databaseUrl: string
  let source: Ledger
  beforeEach(async () => {
    databaseUrl = await database()
    const pool = new Pool({ connectionString: databaseUrl, max: 2 })
    ends.push(() => pool.end())
    source = postgresStore(pool).ledger
  })

  async function start(): Promise<RunningApp> {
    const app = await startApp({ settings: { DATABASE_URL: databaseUrl, REDIS_URL: redis.url } })
    ends.push(() => app.close())
    return app
  }

  async function logOut(app: RunningApp): Promise<string> {
    const { access_token, session_id } = await app.register()
    expect((await app.post('/auth/logout', undefined, bearer(access_token))).status).toBe(204)
    return session_id
  }

  const idsOf = async (ledger: Ledger) => (await recordsOf(ledger)).map((record) => 'id' in record && record.id)
  const readiness = async (app: RunningApp) => (await app.get('/health/ready')).json()

  it('in their order, whole, and by several services at once', async () => {
    const apps = await Promise.all([start(), start()])
    const mirror = await openMirror()
    const rounds = Array.from({ length: 6 }, (_, index) => apps[index % 2])
    const ended = await Promise.all(rounds.map((app) => app && logOut(app)))
    const recorded = await recordsOf(source)
    expect(new Set(recorded.map((record) => 'id' in record && record.id))).toEqual(new Set(ended))
    await expect.poll(() => recordsOf(mirror), within10s).toEqual(recorded)
    for (const app of apps) {
      await expect
        .poll(() => readiness(app), within10s)
        .toEqual({ status: 'ready', mirror: { state: 'current', lag_ms: expect.any(Number) } })
    }
  })

  it('and again from the beginning where Redis has lost them', async () => {
    const app = await start()
    const mirror = await openMirror()
    const ended = [await logOut(app), await logOut(app)]
    await expect.poll(() => idsOf(mirror), within10s).toEqual(ended)
    await command(redis.url, ['FLUSHALL'])
    await expect.poll(() => idsOf(mirror), within10s).toEqual(ended)
    ended.push(await logOut(app))
    await expect.poll(() => idsOf(mirror), within10s).toEqual(ended)
  })

  it('later, where Redis is away: nobody waits for it', async () => {
    const app = await start()
    const mirror = await openMirror()
    const ended = [await logOut(app)]
    await expect.poll(() => idsOf(mirror), within10s).toEqual(ended)
    await redis.kill()
    ended.push(await logOut(app))
    await expect
      .poll(() => readiness(app), within10s)
      .toEqual({ status: 'ready', mirror: { state: 'behind', lag_ms: expect.any(Number) } })
    await redis.start()
    // Nothing was on disk: this history is another one than before.
    await expect.poll(() => idsOf(mirror).catch(() => []), within10s).toEqual(ended)
    await expect.poll(() => readiness(app), within10s).toMatchObject({ mirror: { state: 'current' } })
  })

  it('from the start of a service that found no Redis', async () => {
    await redis.kill()
    const app = await start()
    const ended = [await logOut(app)]
    expect(await readiness(app)).toEqual({ status: 'ready', mirror: { state: 'behind', lag_ms: null } })
    await redis.start()
    const mirror = await openMirror()
    await expect.poll(() => idsOf(mirror), within10s).toEqual(ended)
  })

  it('to a Redis that keeps nothing: it is said to hold a copy, and to forget no session', async () => {
    const warnings: string[] = []
    const config = readConfig({ DATA_DIR: tmpdir(), DATABASE_URL: databaseUrl, REDIS_URL: redis.url })
    const backends = await openBackends(config, (message) => warnings.push(message))
    ends.push(() => backends.close())
    const copy = /^Redis does not persist: .*copy of the revocations.*written again from PostgreSQL\.$/
    await expect.poll(() => warnings, within10s).toContainEqual(expect.stringMatching(copy))
    expect(warnings).not.toContainEqual(expect.stringMatching(/forgets .*session/))
  })

  it('on, where PostgreSQL itself has lost its history', async () => {
    const app = await start()
    const mirror = await openMirror()
    const ended = [await logOut(app)]
    await expect.poll(() => idsOf(mirror), within10s).toEqual(ended)
    await query(databaseUrl, 'DROP TABLE rescind_meta, rescind_revocations')
    ended.push(await logOut(app))
    await expect.poll(async () => [...(await idsOf(mirror))].sort(), within10s).toEqual([...ended].sort())
  })
})

describe('a mirror', () => {
  const memory = memoryStore()
  let places: MirrorPlaces
  let appended: string[]
  let warnings: string[]
  beforeEach(() => {
    places = { source: null, target: null }
    appended = []
    warnings = []
  })

  const revocation = (id: string): Revocation => ({
    kind: 'session',
    id,
    at: Date.now(),
    expiresAt: Date.now() + 3_600_000,
  })

  async function start(): Promise<RevocationMirror> {
    const target = await openMirror()
    const counted: Ledger = {
      ...target,
      append(records, transaction) {
        appended.push(...records.map((record) => ('id' in record ? record.id : '')))
        return target.append(records, transaction)
      },
    }
    const mirror = startRevocationMirror({
      source: memory.ledger,
      target: { ledger: counted },
      bookmark: {
        read: async () => places,
        async write(next) {
          places = next
        },
      },
      maxLagMs: 2_000,
      onWarning: (message) => warnings.push(message),
    })
    ends.push(() => mirror.stop())
    return mirror
  }

  const isCurrent = (mirror: RevocationMirror) => expect.poll(() => mirror.status().state).toBe('current')

  it('goes on from where an earlier one was stopped', async () => {
    await memory.ledger.append(Array.from({ length: 1_200 }, (_, index) => revocation(`early-${index}`)))
    const first = await start()
    await isCurrent(first)
    expect(appended).toHaveLength(1_200)
    await first.stop()
    appended = []
    await memory.ledger.append([revocation('late')])
    await isCurrent(await start())
    expect(appended).toEqual(['late'])
    expect(warnings).toEqual([])
  })

  it('begins again where the place it was stopped at is gone', async () => {
    const first = await start()
    await isCurrent(first)
    await first.stop()
    const before = appended
    appended = []
    await command(redis.url, ['FLUSHALL'])
    await isCurrent(await start())
    expect(appended).toEqual(before)
    expect(warnings).toEqual(['the mirror of the revocations is written anew: history was lost'])
  })

  it('passes a record on as it comes', async () => {
    await isCurrent(await start())
    const mirror = await openMirror()
    await memory.ledger.append([revocation('now')])
    await expect
      .poll(() => mirror.find({ jti: undefined, sid: 'now', sub: undefined, iatMs: 0 }, Date.now()))
      .toMatchObject({ id: 'now' })
  })
})
