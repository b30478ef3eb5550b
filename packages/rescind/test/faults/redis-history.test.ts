import { deepEqual, equal, notEqual, ok, rejects } from 'node:assert/strict'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { RescindError } from 'rescind'
import { redisStore } from 'rescind/stores/redis'
import { eventually } from 'rescind/testing'
import { afterEach, describe, it } from 'vitest'
import { type PrivateRedis, type StartRedisOptions, startRedis } from '../../../../tools/servers/redis.mjs'
import { lastPosition, readAll, tokenRevocation } from '../stores/ledger-samples.ts'
import { connectTo, followFrom } from '../stores/redis-helpers.ts'

const LOST = { code: 'history_lost' }

let closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.reverse()) await close()
  closing = []
})

async function start(options: StartRedisOptions = {}): Promise<PrivateRedis> {
  const server = await startRedis(options)
  closing.push(() => server.dispose())
  return server
}

async function open(server: PrivateRedis) {
  const client = await connectTo(server.url)
  closing.push(() => client.destroy())
  return { client, ...redisStore(client) }
}

const ids = (records: readonly object[]) => records.map((record) => ('id' in record ? record.id : null))

describe('a Redis that loses its history', () => {
  it('is found out after FLUSHALL, by who follows and by who comes back', async () => {
    const { client, ledger } = await open(await start())
    const generation = await ledger.generation()
    const position = await ledger.append([tokenRevocation('a')])
    const follower = followFrom(ledger, position)
    await eventually(() => follower.proofs > 0)
    await client.flushAll()
    await eventually(() => follower.over)
    ok(follower.error instanceof RescindError && follower.error.code === 'history_lost')
    await rejects(readAll(ledger, position), LOST)
    await rejects(
      ledger.follow(position, { records() {}, now: () => 0, current() {} }, AbortSignal.timeout(5_000)),
      LOST,
    )
    notEqual(await ledger.generation(), generation)
    // What a process still holds is recorded again, and its place then is one in the new history.
    const restored = await ledger.append([tokenRevocation('a')])
    deepEqual(ids(await readAll(ledger)), ['a'])
    deepEqual(await readAll(ledger, restored), [])
  })

  it('is found out between two pages of one replay', async () => {
    const { client, ledger } = await open(await start())
    await ledger.append(Array.from({ length: 2_500 }, (_, n) => tokenRevocation(`${n}`)))
    const pages = ledger.read(null)[Symbol.asyncIterator]()
    equal((await pages.next()).value?.records.length, 1_000)
    await client.flushAll()
    await ledger.append([tokenRevocation('new')])
    await rejects(pages.next(), LOST)
  })

  it('is found out after a restart that kept nothing', async () => {
    const server = await start()
    const { client, ledger } = await open(server)
    const position = await ledger.append([tokenRevocation('a')])
    const follower = followFrom(ledger, position)
    await eventually(() => follower.proofs > 0)
    await server.kill()
    await eventually(() => follower.over)
    ok(follower.error instanceof Error)
    await server.start()
    await eventually(() => client.isReady)
    await ledger.append([tokenRevocation('b')])
    await rejects(readAll(ledger, position), LOST)
    deepEqual(ids(await readAll(ledger)), ['b'])
  })

  it('is found out when an older copy was put back, also after that has gone on', async () => {
    const server = await start({ persistence: 'aof' })
    const { client, ledger } = await open(server)
    const files = join(server.folder, 'appendonlydir')
    const copy = join(server.folder, 'copy')
    const restart = async (between: () => Promise<void>) => {
      await server.kill('SIGTERM')
      await between()
      await server.start()
      await eventually(() => client.isReady)
    }
    const old = await ledger.append([tokenRevocation('a'), tokenRevocation('b')])
    await restart(() => cp(files, copy, { recursive: true }))
    // Nothing was lost yet: a place from before the restart holds, and so does one after it.
    const young = await ledger.append([tokenRevocation('c')])
    deepEqual(ids(await readAll(ledger, old)), ['c'])
    await restart(async () => {
      await rm(files, { recursive: true })
      await cp(copy, files, { recursive: true })
    })
    await rejects(readAll(ledger, young), LOST)
    await ledger.append([tokenRevocation('d')])
    await rejects(readAll(ledger, young), LOST)
    deepEqual(ids(await readAll(ledger, old)), ['d'])
  })

  it('is found out when a replica took over that had missed the last records', async () => {
    const primary = await start({ config: ['--repl-diskless-sync-delay', '0'] })
    const replica = await start({ config: ['--replicaof', '127.0.0.1', String(primary.port)] })
    const before = await open(primary)
    const after = await open(replica)
    const safe = redisStore(before.client, { waitReplicas: { count: 1, timeoutMs: 10_000 } })
    await eventually(async () => (await after.client.info('replication')).includes('link_status:up'), 20_000)
    const held = await safe.ledger.append([tokenRevocation('held')])
    await after.client.sendCommand(['REPLICAOF', 'NO', 'ONE'])
    const missed = await before.ledger.append([tokenRevocation('missed')])
    await after.ledger.append([tokenRevocation('new')])
    equal(await after.ledger.generation(), await before.ledger.generation())
    await rejects(readAll(after.ledger, missed), LOST)
    deepEqual(ids(await readAll(after.ledger, held)), ['new'])
    await safe.close()
  })

  it('is found out when its feed alone is gone', async () => {
    const { client, ledger } = await open(await start())
    const position = await ledger.append([tokenRevocation('a')])
    await client.del('{rescind}:feed')
    await rejects(readAll(ledger, position), LOST)
    await ledger.append([tokenRevocation('a')])
    await rejects(readAll(ledger, position), LOST)
    deepEqual(ids(await readAll(ledger)), ['a'])
  })

  it('keeps its feed, and begins a new history, when the name of its history is gone', async () => {
    const { client, ledger } = await open(await start())
    const position = await ledger.append([tokenRevocation('a')])
    await client.del('{rescind}:history')
    await rejects(readAll(ledger, position), LOST)
    deepEqual(ids(await readAll(ledger)), ['a'])
    const again = await ledger.append([tokenRevocation('a')])
    deepEqual(await readAll(ledger, again), [])
    equal(again.split(':').at(-1), position.split(':').at(-1))
  })

  it('has one history, whoever of many comes first to an empty one', async () => {
    const server = await start()
    const stores = await Promise.all(Array.from({ length: 8 }, () => open(server)))
    const found = await Promise.all(
      stores.map(async ({ ledger }, n) => {
        if (n % 3 === 0) return ledger.generation()
        const position = n % 3 === 1 ? await ledger.append([tokenRevocation(`${n}`)]) : await lastPosition(ledger)
        return position.split(':')[0]
      }),
    )
    equal(new Set(found).size, 1)
    equal((await readAll(stores[0]?.ledger ?? (await open(server)).ledger)).length, 3)
  })
})
