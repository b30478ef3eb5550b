import { createRescind } from 'rescind'
import { eventually } from 'rescind/testing'
import { expect, it, onTestFinished } from 'vitest'
import { keys, outcome } from '../session/helpers.ts'
import { claim, NOW, newSession } from '../stores/ledger-samples.ts'
import { type TestSchema, useSchemas } from '../stores/postgres-schemas.ts'

const openSchema = useSchemas()

/** Locks the row of a session, as a machine that vanished does; answers how to unlock it. */
async function lock(schema: TestSchema, sid: string): Promise<() => Promise<void>> {
  const client = await schema.pool.connect()
  await client.query('BEGIN')
  await client.query(`SELECT FROM "${schema.name}".rescind_sessions WHERE sid = $1 FOR UPDATE`, [sid])
  return async () => {
    await client.query('ROLLBACK')
    client.release()
  }
}

function someoneWaits(schema: TestSchema): Promise<void> {
  const waiting = `SELECT FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()
    AND pid IN (SELECT pid FROM pg_stat_activity WHERE query LIKE '%${schema.name}%')`
  return eventually(async () => (await schema.pool.query(waiting)).rowCount !== 0)
}

/** Longer than what counts as held up. */
function halfASecond(): Promise<void> {
  const startedAt = performance.now()
  return eventually(() => performance.now() - startedAt > 600)
}

it('a refresh that hangs at one node, and is asked for elsewhere, is not taken for a theft when it comes through', async () => {
  const schema = await openSchema()
  onTestFinished(() => schema.dispose())
  const open = async () => {
    const auth = createRescind({ store: schema.openStore(schema.openPool()), keys })
    onTestFinished(() => auth.close())
    await auth.ready()
    return auth
  }
  const [hanging, other] = [await open(), await open()]
  const neighbour = await hanging.issue({ sub: 'neighbour' })
  const first = await hanging.issue({ sub: 'alice' })

  const unlock = await lock(schema, neighbour.sid)
  // What this node has to write waits behind it.
  const stuck = outcome(hanging.refresh(neighbour.refreshToken))
  await someoneWaits(schema)
  const hangs = outcome(hanging.refresh(first.refreshToken))
  await halfASecond()

  const second = await other.refresh(first.refreshToken)
  const third = await other.refresh(second.refreshToken)
  await unlock()
  expect(await stuck).toBe('ok')
  expect(await hangs).toBe('token_revoked')
  expect(await outcome(other.refresh(third.refreshToken))).toBe('ok')
  // One that shows the same token from now on is what it was before.
  expect(await outcome(hanging.refresh(first.refreshToken))).toBe('refresh_token_reused')
})

it('a claim that the store itself held up is not taken for a theft', async () => {
  const schema = await openSchema()
  onTestFinished(() => schema.dispose())
  const [hanging, other] = [schema.openStore(schema.openPool()), schema.openStore(schema.openPool())]
  await other.sessions.start([newSession('a'), newSession('b')])
  const unlock = await lock(schema, 'a')
  const held = hanging.sessions.rotate([claim('a', 0), claim('b', 0, { nowMs: NOW + 1_500 })])
  await someoneWaits(schema)
  await other.sessions.rotate([claim('b', 0, { nowMs: NOW + 1_600 })])
  await other.sessions.rotate([claim('b', 1, { nowMs: NOW + 1_700 })])
  await halfASecond()
  await unlock()
  expect((await held).map(({ outcome }) => outcome)).toEqual(['rotated', 'overtaken'])
  expect(await other.sessions.rotate([claim('b', 2)])).toMatchObject([{ outcome: 'rotated' }])
})
