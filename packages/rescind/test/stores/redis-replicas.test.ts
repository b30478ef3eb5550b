import { deepEqual, rejects } from 'node:assert/strict'
import { redisStore } from 'rescind/stores/redis'
import { eventually } from 'rescind/testing'
import { afterAll, describe, it } from 'vitest'
import { startRedis } from '../../../../tools/servers/redis.mjs'
import { claim, newSession, readAll, sessionRevocation, tokenRevocation } from './ledger-samples.ts'
import { connectTo } from './redis-helpers.ts'

const primary = await startRedis({ config: ['--repl-diskless-sync-delay', '0'] })
const replica = await startRedis({ config: ['--replicaof', '127.0.0.1', String(primary.port)] })
const client = await connectTo(primary.url)
const atReplica = await connectTo(replica.url)
afterAll(async () => {
  client.destroy()
  atReplica.destroy()
  await Promise.all([primary.dispose(), replica.dispose()])
})

describe('waitReplicas', () => {
  it('acknowledges what replicas hold, and nothing else', async () => {
    await eventually(async () => (await atReplica.info('replication')).includes('master_link_status:up'), 20_000)
    const store = redisStore(client, { waitReplicas: { count: 1, timeoutMs: 5_000 } })
    await store.ledger.append([tokenRevocation('held')])
    await store.sessions.start([newSession('s1'), newSession('s2')])
    await store.sessions.rotate([claim('s1', 0)])
    await store.sessions.end([{ which: { sid: 's2' }, revocation: sessionRevocation('s2') }])
    // What was acknowledged is there, without any wait.
    const copy = redisStore(atReplica)
    deepEqual(await readAll(copy.ledger), [tokenRevocation('held'), sessionRevocation('s2')])

    const greedy = redisStore(client, { waitReplicas: { count: 2, timeoutMs: 50 } })
    await rejects(greedy.ledger.append([tokenRevocation('t')]), /1 of 2 replicas/)
    await replica.kill()
    const strict = redisStore(client, { waitReplicas: { count: 1, timeoutMs: 50 } })
    await rejects(strict.ledger.append([tokenRevocation('u')]), /0 of 1 replicas/)
    await Promise.all([store.close(), greedy.close(), strict.close()])
  })

  it('goes on after its connection was lost', async () => {
    const store = redisStore(client, { waitReplicas: { count: 1, timeoutMs: 5_000 }, prefix: 'again' })
    await replica.start()
    await eventually(async () => (await client.info('replication')).includes('state=online'), 20_000)
    await store.ledger.append([tokenRevocation('a')])
    await client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'NORMAL', 'SKIPME', 'yes'])
    await Promise.allSettled(['b', 'c', 'd'].map((id) => store.ledger.append([tokenRevocation(id)])))
    await store.ledger.append([tokenRevocation('e')])
    const ids = (await readAll(store.ledger)).map((record) => ('id' in record ? record.id : ''))
    deepEqual([ids[0], ids.at(-1)], ['a', 'e'])
    await store.close()
  })
})
