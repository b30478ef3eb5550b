import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { createClient } from 'redis'
import { createKeyRing, createRescind, generateKey } from 'rescind'
import { postgresStore } from 'rescind/stores/postgres'
import { redisStore } from 'rescind/stores/redis'
import { createTcpProxy, eventually } from 'rescind/testing'
import { startPostgres } from '../../tools/servers/postgres.mjs'
import { startRedis } from '../../tools/servers/redis.mjs'

const MAX_STALENESS_MS = 2_000
const keys = createKeyRing({ active: generateKey('EdDSA') })

/** How long things take when the network or the server fails, measured at a guarded call. */
export const faults = {
  about: 'a store that is parted, healed or emptied, seen from a guarded call',

  async run({ quick, report }) {
    const opened = []
    const openPostgres = async ({ url: server, port }) => {
      const url = new URL(server)
      url.port = String(port)
      const pool = new pg.Pool({ connectionString: url.href, connectionTimeoutMillis: 500, query_timeout: 1_000 })
      pool.on('error', () => {})
      opened.push(() => pool.end())
      return postgresStore(pool)
    }
    const openRedis = async ({ port }) => {
      const client = createClient({ url: `redis://127.0.0.1:${port}`, socket: { connectTimeout: 500 } })
      client.on('error', () => {})
      await client.connect()
      opened.push(async () => client.destroy())
      return redisStore(client)
    }
    const rounds = quick ? 1 : 5
    const measure = async (name, start, work) => {
      let server
      try {
        server = await start()
      } catch (error) {
        report.notRun(name, error.message)
        return
      }
      try {
        await work(server)
      } finally {
        for (const close of opened.splice(0)) await close()
        await server.dispose()
      }
    }
    // A quick run has one store: each waits until its memory is too old.
    if (!quick) {
      await measure('PostgreSQL', startPostgres, (server) =>
        partition('PostgreSQL', server, openPostgres, { rounds, report }),
      )
    }
    await measure(
      'Redis',
      () => startRedis({ persistence: 'aof' }),
      (server) => partition('Redis', server, openRedis, { rounds, report }),
    )
    await measure(
      'Redis, emptied',
      () => startRedis({ persistence: 'none' }),
      (server) => reseed(server, openRedis, report),
    )
  },
}

async function partition(name, { url, port }, open, { rounds, report }) {
  const memoryMs = []
  const refusalMs = []
  const healMs = []
  for (let round = 0; round < rounds; round += 1) {
    const proxy = await createTcpProxy({ port })
    const auth = createRescind({ store: await open({ url, port: proxy.port }), keys, maxStalenessMs: MAX_STALENESS_MS })
    await auth.ready()
    const { accessToken } = await auth.issue({ sub: randomUUID() })
    const request = {
      method: 'GET',
      header: (header) => (header === 'authorization' ? `Bearer ${accessToken}` : undefined),
    }
    if (round % 2 === 0) proxy.cut()
    else proxy.drop()
    const faultAt = performance.now()
    while (!(auth.check(request) instanceof Promise)) await new Promise((resolve) => setTimeout(resolve, 1))
    memoryMs.push(performance.now() - faultAt)
    for (let call = 0; call < 5; call += 1) {
      const start = performance.now()
      const decision = await auth.check(request)
      if (decision.ok || decision.error.status !== 503) throw new Error(`${name}: not refused with 503`)
      refusalMs.push(performance.now() - start)
    }
    proxy.heal()
    const healedAt = performance.now()
    await eventually(async () => (await auth.check(request)).ok, 20_000)
    healMs.push(performance.now() - healedAt)
    await auth.close()
    await proxy.close()
  }
  const worst = (what, values, most) => report.figure(name, what, { value: Math.max(...values), most, unit: 'ms' })
  worst('parted: the last answer from memory', memoryMs, MAX_STALENESS_MS + 20)
  worst('parted: the slowest refusal with 503', refusalMs, 250)
  worst('healed: the first guarded call that passes', healMs, 5_000)
}

async function reseed(server, open, report) {
  const held = createRescind({ store: await open(server), keys })
  await held.ready()
  const sids = Array.from({ length: 10_000 }, () => randomUUID())
  await Promise.all(sids.map((sid) => held.revoke.session(sid)))
  await server.kill()
  await server.start()
  const start = performance.now()
  const client = createClient({ url: server.url })
  client.on('error', () => {})
  await client.connect()
  const ledger = redisStore(client).ledger
  const restored = async () => {
    let count = 0
    for await (const page of ledger.read(null)) count += page.records.length
    return count
  }
  await eventually(async () => (await restored()) === sids.length, 20_000)
  report.figure('Redis', 'restarted empty: 10,000 revocations are back', {
    value: performance.now() - start,
    most: 2_000,
    unit: 'ms',
  })
  await held.close()
  client.destroy()
}
