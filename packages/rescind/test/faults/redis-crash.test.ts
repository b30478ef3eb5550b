import { deepEqual, equal } from 'node:assert/strict'
import type { Revocation, Store } from 'rescind'
import { redisStore } from 'rescind/stores/redis'
import { eventually } from 'rescind/testing'
import { afterAll, describe, it } from 'vitest'
import { startRedis } from '../../../../tools/servers/redis.mjs'
import {
  claim,
  lastPosition,
  newSession,
  readAll,
  sessionRevocation,
  tokenRevocation,
} from '../stores/ledger-samples.ts'
import { connectTo } from '../stores/redis-helpers.ts'

const ROUNDS = 20
const WRITERS = 8

const server = await startRedis({ persistence: 'aof' })
const client = await connectTo(server.url)
afterAll(async () => {
  client.destroy()
  await server.dispose()
})

/** Writes until the server is gone; `acknowledge` is told of each record once its write was answered. */
async function write(store: Store, name: string, acknowledge: (record: Revocation) => void): Promise<void> {
  for (let n = 0; ; n += 1) {
    const sid = `${name}-${n}`
    try {
      const token = tokenRevocation(sid)
      await store.ledger.append([token])
      acknowledge(token)
      await store.sessions.start([newSession(sid)])
      const revocation = sessionRevocation(sid)
      await store.sessions.end([{ which: { sid }, revocation }])
      acknowledge(revocation)
    } catch {
      return
    }
  }
}

describe('a Redis with an append-only file, flushed before every answer', () => {
  it(`loses nothing that was acknowledged when it is killed under load, ${ROUNDS} times`, async () => {
    const store = redisStore(client)
    const acknowledged: Revocation[] = []
    const generation = await store.ledger.generation()
    const start = await lastPosition(store.ledger)
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = acknowledged.length
      const writing = Array.from({ length: WRITERS }, (_, w) =>
        write(store, `${round}-${w}`, (record) => acknowledged.push(record)),
      )
      const enough = before + 20 + Math.floor(Math.random() * 200)
      await eventually(() => acknowledged.length >= enough, 20_000)
      await server.kill('SIGKILL')
      await Promise.all(writing)
      await server.start()
      await eventually(() => client.isReady)
    }
    equal(await store.ledger.generation(), generation)
    // From before the first crash: a place stays one through restarts that lose nothing.
    const kept = new Set((await readAll(store.ledger, start)).map((record) => JSON.stringify(record)))
    deepEqual(
      acknowledged.filter((record) => !kept.has(JSON.stringify(record))),
      [],
    )
    const claims = acknowledged.flatMap((record) => (record.kind === 'session' ? [claim(record.id, 0)] : []))
    const outcomes = await store.sessions.rotate(claims)
    deepEqual(new Set(outcomes.map(({ outcome }) => outcome)), new Set(['ended']))
  }, 60_000)
})
