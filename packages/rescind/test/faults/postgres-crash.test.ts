import type { Revocation, Store } from 'rescind'
import { eventually } from 'rescind/testing'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { startPostgres } from '../../../../tools/servers/postgres.mjs'
import { claim, idsOf, newSession, readAll, sessionRevocation, tokenRevocation } from '../stores/ledger-samples.ts'
import { followForever } from '../stores/postgres-helpers.ts'
import { openSchema } from '../stores/postgres-schemas.ts'

const WRITERS = 8

const server = await startPostgres()
afterAll(() => server.dispose())

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

function nameOf(record: Revocation): string {
  return `${record.kind} ${record.kind === 'everything' ? '' : record.id}`
}

describe('a PostgreSQL server that is killed under load', () => {
  for (const [rounds, signal, config] of [
    [10, 'SIGKILL', {}],
    [4, 'SIGQUIT', {}],
    // What the server or the role has for a default must not weaken the promise.
    [6, 'SIGKILL', { options: '-c synchronous_commit=off' }],
  ] as const) {
    it(`loses nothing that was acknowledged: ${rounds} times, by ${signal}, ${JSON.stringify(config)}`, async () => {
      const schema = openSchema(server.url)
      onTestFinished(() => schema.dispose())
      const store = schema.openStore(schema.openPool({ ...config, max: WRITERS + 2 }))
      const generation = await store.ledger.generation()
      const follower = followForever(schema.openStore(schema.openPool(config)).ledger)
      const acknowledged: Revocation[] = []
      for (let round = 0; round < rounds; round += 1) {
        const enough = acknowledged.length + 20 + Math.floor(Math.random() * 100)
        const writing = Array.from({ length: WRITERS }, (_, writer) =>
          write(store, `${round}-${writer}`, (record) => acknowledged.push(record)),
        )
        await eventually(() => acknowledged.length >= enough, 20_000)
        await server.kill(signal)
        await Promise.all(writing)
        await server.start()
      }
      expect(await store.ledger.generation()).toBe(generation)
      const history = await readAll(store.ledger)
      const kept = new Set(history.map(nameOf))
      expect(acknowledged.filter((record) => !kept.has(nameOf(record)))).toEqual([])
      const ended = acknowledged.flatMap((record) => (record.kind === 'session' ? [record.id] : []))
      const outcomes = await store.sessions.rotate(ended.map((sid) => claim(sid, 0)))
      expect(new Set(outcomes.map(({ outcome }) => outcome))).toEqual(new Set(['ended']))
      // It was cut off as often as the server was killed, and still holds everything once and in order.
      await eventually(() => follower.records.length >= history.length)
      expect(idsOf(follower.records)).toEqual(idsOf(history))
      expect(follower.breaks).toBeGreaterThanOrEqual(1)
      await follower.stop()
    }, 60_000)
  }
})
