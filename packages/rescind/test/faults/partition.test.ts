import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Pool } from 'pg'
import { createClient } from 'redis'
import { createRescind, problemAnswer, type Rescind, type Store } from 'rescind'
import { postgresStore } from 'rescind/stores/postgres'
import { redisStore } from 'rescind/stores/redis'
import { createTcpProxy, eventually, type TcpProxy } from 'rescind/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type PrivatePostgres, startPostgres } from '../../../../tools/servers/postgres.mjs'
import { type PrivateRedis, startRedis } from '../../../../tools/servers/redis.mjs'
import { keys, outcome, requestWith, verdict } from '../session/helpers.ts'

let postgres: PrivatePostgres
let redis: PrivateRedis
beforeAll(async () => {
  postgres = await startPostgres()
  redis = await startRedis({ persistence: 'aof' })
}, 120_000)
afterAll(async () => {
  await postgres?.dispose()
  await redis?.dispose()
})

/** Stores that reach their server on a port: the server's own, or a proxy's. */
const stores: Record<string, { port: () => number; open: (port: number, place: string) => Promise<Store> }> = {
  PostgreSQL: {
    port: () => postgres.port,
    async open(port, place) {
      const url = new URL(postgres.url)
      url.port = String(port)
      const pool = new Pool({ connectionString: url.href, connectionTimeoutMillis: 500, query_timeout: 1_000, max: 4 })
      pool.on('error', () => {})
      onTestFinished(() => pool.end())
      return postgresStore(pool, { schema: `s_${place.replaceAll('-', '')}` })
    },
  },
  Redis: {
    port: () => redis.port,
    async open(port, place) {
      const client = createClient({ url: `redis://127.0.0.1:${port}`, socket: { connectTimeout: 500 } })
      client.on('error', () => {})
      await client.connect()
      onTestFinished(() => client.destroy())
      return redisStore(client, { prefix: place })
    },
  },
}

async function openNode(store: Store): Promise<Rescind> {
  const auth = createRescind({ store, keys, maxStalenessMs: 1_000 })
  onTestFinished(() => auth.close())
  await auth.ready()
  return auth
}

describe.each(Object.entries(stores))('a node parted from %s', (_name, { port, open }) => {
  it.each([
    ['cut', (proxy: TcpProxy) => proxy.cut()],
    ['black hole', (proxy: TcpProxy) => proxy.drop()],
  ])(
    'by a %s answers from memory while it may, then 503, and heals by itself',
    async (_fault, part) => {
      const place = randomUUID()
      const proxy = await createTcpProxy({ port: port() })
      onTestFinished(() => proxy.close())
      const near = await openNode(await open(port(), place))
      const far = await openNode(await open(proxy.port, place))
      const live = await near.issue({ sub: 'live' })
      const dead = await near.issue({ sub: 'dead' })
      const unheard = await near.issue({ sub: 'unheard' })
      await near.revoke.session(dead.sid)
      await eventually(async () => (await verdict(far, dead.accessToken)) === 'token_revoked')

      part(proxy)
      await near.revoke.session(unheard.sid)
      // From memory: no promise, so nothing was asked.
      const answered = far.check(requestWith(live.accessToken))
      expect(answered).not.toBeInstanceOf(Promise)
      await eventually(() => far.status().state !== 'live')
      expect(await verdict(far, live.accessToken)).toBe('revocation_unavailable')
      // What is certain does not need the ledger.
      expect(await verdict(far, dead.accessToken)).toBe('token_revoked')
      // And what cannot be recorded is not acknowledged.
      expect(await outcome(far.revoke.session(live.sid))).toBe('revocation_unavailable')
      await eventually(() => far.status().state === 'unavailable')

      proxy.heal()
      await eventually(() => far.status().state === 'live', 10_000)
      expect(await verdict(far, live.accessToken)).not.toBe('revocation_unavailable')
      expect(await verdict(far, unheard.accessToken)).toBe('token_revoked')
      expect(await outcome(far.revoke.session(live.sid))).toBe('ok')
      await eventually(async () => (await verdict(near, live.accessToken)) === 'token_revoked')
    },
    60_000,
  )

  it('refuses over HTTP with 503 and Retry-After, and never with 500', async () => {
    const proxy = await createTcpProxy({ port: port() })
    onTestFinished(() => proxy.close())
    const auth = await openNode(await open(proxy.port, randomUUID()))
    const { accessToken } = await auth.issue({ sub: 'alice' })
    const server = createServer(async (request, response) => {
      const decision = await auth.check({ method: 'GET', url: '/', header: (name) => request.headers[name] })
      const { status, headers } = decision.ok ? { status: 200, headers: {} } : problemAnswer(decision.error)
      response.writeHead(status, headers).end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const get = () =>
      fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, {
        headers: { authorization: `Bearer ${accessToken}`, connection: 'close' },
      })
    const seen = new Set<number>()
    proxy.drop()
    await eventually(async () => {
      const answer = await get()
      seen.add(answer.status)
      return answer.status === 503 && Number(answer.headers.get('retry-after')) > 0
    })
    proxy.heal()
    await eventually(async () => (await get()).status === 200, 10_000)
    expect([...seen]).toEqual([200, 503])
  }, 60_000)

  it('comes back after each of 20 cuts, and leaks no connection', async () => {
    const proxy = await createTcpProxy({ port: port() })
    onTestFinished(() => proxy.close())
    const auth = await openNode(await open(proxy.port, randomUUID()))
    const { accessToken } = await auth.issue({ sub: 'alice' })
    for (let cycle = 0; cycle < 20; cycle += 1) {
      const { feedReopened } = auth.status()
      proxy.cut()
      await eventually(() => auth.status().feedReopened > feedReopened)
      proxy.heal()
      await eventually(() => auth.status().state === 'live', 10_000)
      await eventually(async () => (await outcome(auth.revoke.token({ jti: `cycle-${cycle}` }))) === 'ok', 10_000)
    }
    expect(await verdict(auth, accessToken)).toBe('ok')
    await eventually(() => proxy.connections <= 6)
    expect(auth.status().liveRecords).toBe(20)
  }, 120_000)
})

describe('a Redis that forgets', () => {
  it.each([
    ['is emptied', async (server: PrivateRedis) => emptied(server)],
    [
      'is killed, and keeps nothing',
      async (server: PrivateRedis) => {
        await server.kill()
        await server.start()
      },
    ],
  ])(
    'that %s gets everything back from the nodes, and nothing dead comes to life on any of them',
    async (_name, forget) => {
      const server = await startRedis({ persistence: 'none' })
      onTestFinished(() => server.dispose())
      const open = async () => {
        const client = createClient({ url: server.url })
        client.on('error', () => {})
        await client.connect()
        onTestFinished(() => client.destroy())
        return openNode(redisStore(client))
      }
      const [one, two] = [await open(), await open()]
      const dead = await Promise.all(Array.from({ length: 300 }, (_, n) => one.issue({ sub: `user-${n}` })))
      await Promise.all(dead.map(({ sid }, n) => (n % 2 ? one : two).revoke.session(sid)))
      await eventually(() => one.status().liveRecords === 300 && two.status().liveRecords === 300)
      await forget(server)
      const alive = new Set<string>()
      await eventually(async () => {
        for (const { accessToken } of dead.slice(0, 20)) {
          for (const node of [one, two]) if ((await verdict(node, accessToken)) === 'ok') alive.add(accessToken)
        }
        return one.status().state === 'live' && two.status().state === 'live'
      }, 10_000)
      // A node that starts only now holds all of it as soon as the nodes that remember have recorded it again.
      await eventually(async () => {
        const late = await open()
        const verdicts = await Promise.all(dead.map(({ accessToken }) => verdict(late, accessToken)))
        return verdicts.every((each) => each === 'token_revoked')
      }, 10_000)
      expect([...alive]).toEqual([])
      const fresh = await one.issue({ sub: 'fresh' })
      await one.revoke.session(fresh.sid)
      await eventually(async () => (await verdict(two, fresh.accessToken)) === 'token_revoked')
    },
    60_000,
  )
})

async function emptied(server: PrivateRedis): Promise<void> {
  const client = createClient({ url: server.url })
  await client.connect()
  await client.flushAll()
  client.destroy()
}
