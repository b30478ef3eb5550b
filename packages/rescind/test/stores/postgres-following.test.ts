import type { PgClientLike, PgLike, PgQuery } from 'rescind/stores/postgres'
import { postgresStore } from 'rescind/stores/postgres'
import { eventually } from 'rescind/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { idsOf, lastPosition, readAll, tokenRevocation } from './ledger-samples.ts'
import { followFrom } from './postgres-helpers.ts'
import { type TestSchema, useSchemas } from './postgres-schemas.ts'

const openSchema = useSchemas()
const NEVER_MS = 60_000

async function schemaOfTest() {
  const schema = await openSchema()
  onTestFinished(() => schema.dispose())
  return schema
}

/** A pool whose clients count what they ask and are told, and may hold an answer back. */
function counting(pool: PgLike) {
  let running = 0
  let gate: Promise<void> | undefined
  const counted = {
    pool: { query: (query: PgQuery) => pool.query(query), connect: async () => wrap(await pool.connect()) },
    looks: 0,
    mostAtOnce: 0,
    notified: 0,
    held: 0,
    /** Holds back the next answer until it is called. */
    holdNextAnswer(): () => void {
      let release = () => {}
      gate = new Promise((resolve) => {
        release = resolve
      })
      return release
    },
  }
  const wrap = (client: PgClientLike): PgClientLike => {
    client.on('notification', () => {
      counted.notified += 1
    })
    return {
      async query(query) {
        counted.looks += 1
        running += 1
        counted.mostAtOnce = Math.max(counted.mostAtOnce, running)
        const answer = await client.query(query).finally(() => {
          running -= 1
        })
        const held = gate
        gate = undefined
        counted.held += held === undefined ? 0 : 1
        await held
        return answer
      },
      on: (event: 'error' | 'notification' | 'end', listener: (error: Error) => void) =>
        client.on(event as 'error', listener),
      removeListener: (event, listener) => client.removeListener(event, listener),
      release: (destroy) => client.release(destroy),
    }
  }
  return counted
}

async function backends(schema: TestSchema): Promise<number[]> {
  const { rows } = await schema.pool.query('SELECT pid FROM pg_stat_activity WHERE application_name = $1', [
    `follower ${schema.name}`,
  ])
  return rows.map((row: { pid: number }) => row.pid)
}

describe('a follower of PostgreSQL', () => {
  it('is told of every append at once, and asks one thing at a time', async () => {
    const schema = await schemaOfTest()
    const { ledger } = schema.openStore()
    const counted = counting(schema.openPool())
    const following = postgresStore(counted.pool, { schema: schema.name, pollMs: NEVER_MS })
    const follower = followFrom(following.ledger, await lastPosition(ledger))
    await eventually(() => follower.proofs === 1)
    const ids = Array.from({ length: 300 }, (_, n) => `t${n}`)
    await Promise.all(ids.map((id) => ledger.append([tokenRevocation(id)])))
    await eventually(() => follower.records.length >= 300)
    expect(new Set(idsOf(follower.records))).toEqual(new Set(ids))
    expect(follower.records.length).toBe(300)
    expect(counted.mostAtOnce).toBe(1)
    // LISTEN, the first look, and no more than one for each append.
    expect(counted.looks).toBeLessThanOrEqual(302)
    await follower.stop()
    expect(follower.error).toBeNull()
  })

  it('looks exactly once more, however often it was told while it looked', async () => {
    const schema = await schemaOfTest()
    const { ledger } = schema.openStore()
    const counted = counting(schema.openPool())
    const following = postgresStore(counted.pool, { schema: schema.name, pollMs: NEVER_MS })
    const follower = followFrom(following.ledger, await lastPosition(ledger))
    await eventually(() => follower.proofs === 1)
    const release = counted.holdNextAnswer()
    await ledger.append([tokenRevocation('t0')])
    await eventually(() => counted.held === 1)
    for (const id of ['t1', 't2', 't3']) await ledger.append([tokenRevocation(id)])
    await eventually(() => counted.notified === 4)
    const { looks } = counted
    release()
    await eventually(() => follower.records.length === 4)
    expect(idsOf(follower.records)).toEqual(['t0', 't1', 't2', 't3'])
    await follower.stop()
    expect(counted.looks).toBe(looks + 1)
  })

  it('finds what it was never told of', async () => {
    const schema = await schemaOfTest()
    const follower = followFrom(schema.openStore().ledger, await lastPosition(schema.openStore().ledger))
    await eventually(() => follower.proofs > 0)
    // What an append writes, and no NOTIFY: a pooler may have swallowed it, or the server's queue was full.
    await schema.pool.query(`BEGIN;
      UPDATE "${schema.name}".rescind_meta SET position = position + 1, stamp = 7;
      INSERT INTO "${schema.name}".rescind_revocations
             (position, stamp, kind, id, before_ms, except_hash, expires_at_ms, at_ms)
      SELECT position, stamp, 'token', 'quiet', 0, '', 4000000000000, 0 FROM "${schema.name}".rescind_meta;
      COMMIT`)
    await eventually(() => idsOf(follower.records).includes('quiet'))
    await follower.stop()
  })

  it('proves that it is current while nothing happens', async () => {
    const schema = await schemaOfTest()
    const { ledger } = schema.openStore(schema.pool, { pollMs: 5 })
    const follower = followFrom(ledger, await lastPosition(ledger))
    await eventually(() => follower.proofs >= 10)
    await follower.stop()
  })

  it('is told when its connection is taken away, and goes on where it was', async () => {
    const schema = await schemaOfTest()
    const { ledger } = schema.openStore()
    const pool = schema.openPool({ application_name: `follower ${schema.name}` })
    const following = schema.openStore(pool, { pollMs: NEVER_MS })
    let position = await lastPosition(following.ledger)
    const seen: string[] = []
    for (const id of ['t1', 't2', 't3']) {
      const follower = followFrom(following.ledger, position)
      await eventually(() => follower.proofs > 0)
      for (const pid of await backends(schema)) await schema.pool.query('SELECT pg_terminate_backend($1)', [pid])
      await eventually(() => follower.isOver)
      expect(follower.error).toBeInstanceOf(Error)
      await ledger.append([tokenRevocation(id)])
      const again = followFrom(following.ledger, position)
      await eventually(() => idsOf(again.records).includes(id))
      await again.stop()
      seen.push(...idsOf(again.records))
      position = again.position
    }
    expect(seen).toEqual(['t1', 't2', 't3'])
  })

  it('gives its connection back unlistened, also when it is stopped before it has one', async () => {
    const schema = await schemaOfTest()
    const pool = schema.openPool({ max: 1, connectionTimeoutMillis: 0 })
    const { ledger } = schema.openStore(pool)
    const position = await lastPosition(ledger)
    const follower = followFrom(ledger, position)
    await eventually(() => follower.proofs > 0)
    await follower.stop()
    // The pool has room for one: this hangs if it was kept.
    const held = await pool.connect()
    expect((await held.query('SELECT pg_listening_channels() AS channel')).rows).toEqual([])
    const waiting = followFrom(ledger, position)
    await waiting.stop()
    expect(waiting.error).toBeNull()
    held.release()
    expect(await readAll(ledger)).toEqual([])
    const ended = new AbortController()
    ended.abort()
    await ledger.follow(position, { records: () => {}, now: () => 0, current: () => {} }, ended.signal)
    expect(pool.waitingCount).toBe(0)
  })
})

describe('history that PostgreSQL lost', () => {
  const lost = { code: 'history_lost' }

  /** Loses history between two appends, and answers from where to go on, and a follower that was there. */
  async function loseHistory(sql: (schema: string) => string) {
    const schema = await schemaOfTest()
    const { ledger } = schema.openStore()
    const before = await ledger.append([tokenRevocation('t1')])
    const position = await ledger.append([tokenRevocation('t2'), tokenRevocation('t3')])
    const follower = followFrom(ledger, position)
    await eventually(() => follower.proofs > 0)
    await schema.pool.query(sql(schema.name))
    return { schema, ledger, before, position, follower }
  }

  async function expectLost({ ledger, position, follower }: Awaited<ReturnType<typeof loseHistory>>) {
    await eventually(() => follower.isOver)
    expect(follower.error).toMatchObject(lost)
    await expect(readAll(ledger, position)).rejects.toMatchObject(lost)
    const again = followFrom(ledger, position)
    await eventually(() => again.isOver)
    expect(again.error).toMatchObject(lost)
  }

  it('is noticed by the generation alone', async () => {
    const { ledger } = (await schemaOfTest()).openStore()
    const position = await ledger.append([tokenRevocation('t1')])
    const generation = await ledger.generation()
    expect(position).toContain(generation)
    const elsewhere = position.replace(generation, '00000000-0000-4000-8000-000000000000')
    await expect(readAll(ledger, elsewhere)).rejects.toMatchObject(lost)
  })

  it('is noticed when the tables were dropped, and the store makes them anew', async () => {
    const all = ['meta', 'revocations', 'sessions']
    for (const tables of [all, ['revocations']]) {
      const scene = await loseHistory(
        (schema) => `DROP TABLE ${tables.map((name) => `"${schema}".rescind_${name}`).join(', ')}`,
      )
      await expectLost(scene)
      await scene.ledger.append([tokenRevocation('t4')])
      expect(idsOf(await readAll(scene.ledger))).toEqual(['t4'])
    }
  })

  it('is noticed when the tables were emptied', async () => {
    const scene = await loseHistory((schema) => `TRUNCATE "${schema}".rescind_meta, "${schema}".rescind_revocations`)
    await expectLost(scene)
    const facts = await loseHistory((schema) => `TRUNCATE "${schema}".rescind_meta`)
    await expectLost(facts)
    await facts.ledger.append([tokenRevocation('t4')])
    expect(idsOf(await readAll(facts.ledger))).toEqual(['t1', 't2', 't3', 't4'])
  })

  it('is noticed when another process made the tables anew', async () => {
    const scene = await loseHistory((schema) => `DROP SCHEMA "${schema}" CASCADE`)
    await scene.schema.openStore(scene.schema.openPool()).ledger.append([tokenRevocation('elsewhere')])
    await expectLost(scene)
    expect(idsOf(await readAll(scene.ledger))).toEqual(['elsewhere'])
  })

  const rewind = (schema: string) => `BEGIN;
    DELETE FROM "${schema}".rescind_revocations WHERE position > 1;
    UPDATE "${schema}".rescind_meta SET position = 1, stamp = (SELECT stamp FROM "${schema}".rescind_revocations);
    COMMIT`

  it('is noticed when it was rewound, as by a restored backup', async () => {
    const scene = await loseHistory(rewind)
    await expectLost(scene)
    expect(await readAll(scene.ledger, scene.before)).toEqual([])
  })

  it('is noticed when it was rewound and has gone on to the same place, or past it, since', async () => {
    for (const news of [
      ['t4', 't5'],
      ['t4', 't5', 't6', 't7'],
    ]) {
      const schema = await schemaOfTest()
      const { ledger } = schema.openStore()
      const before = await ledger.append([tokenRevocation('t1')])
      const position = await ledger.append([tokenRevocation('t2'), tokenRevocation('t3')])
      // No follower looks between the two: a server that takes over may be written to before any of them is back.
      await schema.pool.query(rewind(schema.name))
      await ledger.append(news.map((id) => tokenRevocation(id)))
      await expect(readAll(ledger, position)).rejects.toMatchObject(lost)
      expect(idsOf(await readAll(ledger, before))).toEqual(news)
    }
  })
})
