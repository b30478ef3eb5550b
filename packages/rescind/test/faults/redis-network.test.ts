import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { redisStore } from 'rescind/stores/redis'
import { createTcpProxy, eventually } from 'rescind/testing'
import { afterAll, afterEach, beforeEach, describe, it } from 'vitest'
import { startRedis } from '../../../../tools/servers/redis.mjs'
import { lastPosition, newSession, readAll, tokenRevocation } from '../stores/ledger-samples.ts'
import { connectTo, followFrom } from '../stores/redis-helpers.ts'

const server = await startRedis()
afterAll(() => server.dispose())

describe('a Redis store whose network fails', () => {
  let proxy: Awaited<ReturnType<typeof createTcpProxy>>
  let client: Awaited<ReturnType<typeof connectTo>>
  let store: ReturnType<typeof redisStore>

  beforeEach(async () => {
    proxy = await createTcpProxy({ port: server.port })
    client = await connectTo(`redis://127.0.0.1:${proxy.port}`)
    store = redisStore(client, { commandTimeoutMs: 300, prefix: `test-${proxy.port}` })
  })
  afterEach(async () => {
    client.destroy()
    await proxy.close()
  })

  const startFollowing = async () => {
    const follower = followFrom(store.ledger, await lastPosition(store.ledger))
    await eventually(() => follower.proofs > 0)
    return follower
  }
  const assertWhole = async () => {
    await eventually(() => client.isReady)
    const follower = await startFollowing()
    equal(proxy.connections, 2)
    await store.ledger.append([tokenRevocation('after')])
    await eventually(() => follower.records.length === 1)
    await follower.stop()
    equal(follower.error, null)
    await eventually(() => proxy.connections === 1)
  }

  it('rejects when the network swallows everything, and works again once it is healed', async () => {
    const follower = await startFollowing()
    equal(proxy.connections, 2)
    proxy.drop()
    await eventually(() => follower.over)
    ok(follower.error instanceof Error)
    // The connection of the follower is gone; the client's own is its owner's.
    await eventually(() => proxy.connections === 1)
    const attempts = [
      store.ledger.append([tokenRevocation('a')]),
      store.ledger.generation(),
      readAll(store.ledger),
      store.ledger.find({ jti: 'a', sid: undefined, sub: undefined, iatMs: 0 }, 0),
      store.sessions.start([newSession('s')]),
      store.ledger.follow(follower.position, { records() {}, now: () => 0, current() {} }, AbortSignal.timeout(20_000)),
    ]
    for (const attempt of await Promise.allSettled(attempts)) equal(attempt.status, 'rejected')
    equal(proxy.connections, 1)
    proxy.heal()
    await assertWhole()
  })

  it('rejects when the network is cut, and works again once it is healed', async () => {
    const follower = await startFollowing()
    proxy.cut()
    await eventually(() => follower.over)
    ok(follower.error instanceof Error)
    await rejects(store.ledger.append([tokenRevocation('a')]))
    await rejects(readAll(store.ledger, follower.position))
    proxy.heal()
    await assertWhole()
  })

  it('leaves no connection behind, however often it is opened and fails', async () => {
    for (let round = 0; round < 10; round += 1) {
      const follower = await startFollowing()
      if (round % 2 === 0) proxy.drop()
      else proxy.cut()
      await eventually(() => follower.over)
      proxy.heal()
      await eventually(() => client.isReady && proxy.connections === 1)
    }
    // Given up before, while and after the connection is opened.
    const position = await lastPosition(store.ledger)
    for (const turns of [0, 1, 2, 5, 10, 20]) {
      const ending = new AbortController()
      const following = store.ledger.follow(position, { records() {}, now: () => 0, current() {} }, ending.signal)
      for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve))
      ending.abort()
      await following
    }
    await eventually(() => proxy.connections === 1)
    await assertWhole()
  })

  it('closes a connection that opens into silence', async () => {
    const position = await lastPosition(store.ledger)
    // The client is connected past the proxy, so that only the follower's own connection meets the fault.
    const direct = await connectTo(server.url)
    const through = {
      sendCommand: (args: string[]) => direct.sendCommand(args),
      duplicate: () => client.duplicate(),
    }
    const split = redisStore(through, { commandTimeoutMs: 300, prefix: `test-${proxy.port}` })
    proxy.drop()
    const follower = followFrom(split.ledger, position)
    await eventually(() => proxy.connections === 2)
    await eventually(() => follower.over && proxy.connections === 1)
    ok(follower.error instanceof Error)
    direct.destroy()
  })

  it('gives up a connection for writes that has fallen silent', async () => {
    const waiting = redisStore(client, { commandTimeoutMs: 300, waitReplicas: { count: 1, timeoutMs: 10 } })
    await rejects(waiting.ledger.append([tokenRevocation('a')]), /0 of 1 replicas/)
    equal(proxy.connections, 2)
    proxy.drop()
    await rejects(waiting.ledger.append([tokenRevocation('b')]), /did not answer/)
    await eventually(() => proxy.connections === 1)
  })

  it('takes a slow network for what it is', async () => {
    const { ledger } = redisStore(client, { prefix: `test-${proxy.port}` })
    const follower = followFrom(ledger, await lastPosition(ledger))
    await eventually(() => follower.proofs > 0)
    proxy.delay(50)
    await ledger.append([tokenRevocation('slow')])
    const { proofs } = follower
    await eventually(() => follower.records.length === 1 && follower.proofs > proofs)
    deepEqual(follower.error, null)
    await follower.stop()
  })
})
