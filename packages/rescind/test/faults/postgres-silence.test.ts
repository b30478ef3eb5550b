import type { Pool } from 'pg'
import { type PgLike, postgresStore } from 'rescind/stores/postgres'
import { createTcpProxy } from 'rescind/testing'
import { expect, it, onTestFinished } from 'vitest'
import { LATER, NOW, newSession, sessionRevocation, tokenRevocation } from '../stores/ledger-samples.ts'
import { useSchemas } from '../stores/postgres-schemas.ts'

const openSchema = useSchemas()

/** The pool of a machine that is heard no more from the moment on that it would commit. */
function vanishingBefore(word: string, pool: Pool, vanish: () => void): PgLike {
  return {
    query: (query) => pool.query({ ...query, values: [...(query.values ?? [])] }),
    async connect() {
      const client = await pool.connect()
      return {
        query(query) {
          if (query.text === word) vanish()
          return client.query({ ...query, values: [...(query.values ?? [])] })
        },
        on: (event, listener) => client.on(event, listener),
        removeListener: (event, listener) => client.removeListener(event, listener),
        release: (destroy) => client.release(destroy),
      }
    },
  }
}

it('a machine that vanishes within a transaction does not keep its locks', async () => {
  const schema = await openSchema()
  onTestFinished(() => schema.dispose())
  const url = new URL(schema.pool.options.connectionString ?? '')
  const proxy = await createTcpProxy({ port: Number(url.port) })
  onTestFinished(() => proxy.close())
  url.port = String(proxy.port)
  const far = schema.openPool({ connectionString: url.href })
  const store = schema.openStore()
  await store.sessions.start([newSession('s1'), newSession('s2')])

  const order = { which: { sid: 's1' }, revocation: sessionRevocation('s1') }
  const vanished = new Promise<void>((resolve) => {
    const pool = vanishingBefore('COMMIT', far, () => {
      proxy.drop()
      resolve()
    })
    postgresStore(pool, { schema: schema.name })
      .sessions.end([order])
      .catch(() => {})
  })
  await vanished

  // Neither the session nor the order of the ledger is locked for longer than a moment, and nothing of it was kept.
  await store.ledger.append([tokenRevocation('t1', LATER)])
  expect(await store.sessions.get('s1', NOW)).toMatchObject({ sid: 's1' })
  expect(await store.sessions.end([order])).toMatchObject([{ ended: 1 }])
})
