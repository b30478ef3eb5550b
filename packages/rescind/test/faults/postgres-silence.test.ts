import type { Pool } from 'pg'
import { type PgLike, postgresStore } from 'rescind/stores/postgres'
import { createTcpProxy, eventually } from 'rescind/testing'
import { expect, it, onTestFinished } from 'vitest'
import { LATER, NOW, newSession, sessionRevocation, tokenRevocation } from '../stores/ledger-samples.ts'
import { useSchemas } from '../stores/postgres-schemas.ts'

const openSchema = useSchemas()

/** The pool of a machine that pauses when it would commit, until it is told to go on. */
function pausingBeforeCommit(pool: Pool, pause: () => Promise<void>): PgLike {
  return {
    query: (query) => pool.query({ ...query, values: [...(query.values ?? [])] }),
    async connect() {
      const client = await pool.connect()
      return {
        async query(query) {
          if (query.text === 'COMMIT') await pause()
          return client.query({ ...query, values: [...(query.values ?? [])] })
        },
        on: (event, listener) => client.on(event, listener),
        removeListener: (event, listener) => client.removeListener(event, listener),
        release: (destroy) => client.release(destroy),
      }
    },
  }
}

it('a machine that vanishes amid transactions keeps no lock, nor do those of them that waited for one', async () => {
  const schema = await openSchema()
  onTestFinished(() => schema.dispose())
  const url = new URL(schema.pool.options.connectionString ?? '')
  const proxy = await createTcpProxy({ port: Number(url.port) })
  onTestFinished(() => proxy.close())
  url.port = String(proxy.port)
  const far = schema.openPool({ connectionString: url.href })
  const store = schema.openStore()
  const sids = Array.from({ length: 10 }, (_, at) => `s${at}`)
  await store.sessions.start(sids.map((sid) => newSession(sid)))

  const orderFor = (sid: string) => ({ which: { sid }, revocation: sessionRevocation(sid) })
  let vanish = () => {}
  const vanished = new Promise<void>((resolve) => {
    vanish = resolve
  })
  const vanishing = postgresStore(
    pausingBeforeCommit(far, () => vanished),
    { schema: schema.name },
  )
  // The first holds the place of the ledger that all others need.
  for (const sid of sids) vanishing.sessions.end([orderFor(sid)]).catch(() => {})
  await eventually(async () => {
    const waiting = `SELECT FROM pg_locks WHERE NOT granted
      AND pid IN (SELECT pid FROM pg_stat_activity WHERE query LIKE '%${schema.name}%')`
    return ((await schema.pool.query(waiting)).rowCount ?? 0) >= sids.length - 1
  })
  proxy.drop()
  vanish()

  await store.ledger.append([tokenRevocation('t1', LATER)])
  // Nothing of what was not acknowledged was kept, and all of it can be done again.
  for (const sid of sids) expect(await store.sessions.get(sid, NOW)).toMatchObject({ sid })
  const ended = await store.sessions.end(sids.map(orderFor))
  expect(ended.map((each) => each.ended)).toEqual(sids.map(() => 1))
  // One after the other, they would have held it up for half a minute.
}, 20_000)
