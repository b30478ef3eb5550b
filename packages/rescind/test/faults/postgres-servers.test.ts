import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from 'rescind/testing'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { type PrivatePostgres, startPostgres } from '../../../../tools/servers/postgres.mjs'
import { idsOf, lastPosition, readAll, tokenRevocation } from '../stores/ledger-samples.ts'
import { followFrom } from '../stores/postgres-helpers.ts'
import { openSchema } from '../stores/postgres-schemas.ts'

const server = await startPostgres()
afterAll(() => server.dispose())

describe('a connection that falls silent', () => {
  it('is given up, though nobody closes it', async () => {
    const schema = openSchema(server.url)
    onTestFinished(() => schema.dispose())
    const pool = schema.openPool({ application_name: schema.name })
    const { ledger } = schema.openStore(pool)
    const position = await lastPosition(ledger)
    const follower = followFrom(ledger, position)
    await eventually(() => follower.proofs > 0)
    const { rows } = await schema.pool.query(
      "SELECT pid FROM pg_stat_activity WHERE application_name = $1 AND query LIKE '%UNION%'",
      [schema.name],
    )
    const { pid } = rows[0] as { pid: number }
    process.kill(pid, 'SIGSTOP')
    onTestFinished(() => void process.kill(pid, 'SIGCONT'))
    const { proofs } = follower
    await eventually(() => follower.isOver)
    expect(follower.error).toBeInstanceOf(Error)
    expect(follower.proofs).toBeLessThanOrEqual(proofs + 1)
  })
})

describe('a standby', () => {
  it('is not read from, since what it holds may be old, until it is promoted', async () => {
    const standby = await startPostgres()
    onTestFinished(() => standby.dispose())
    const schema = openSchema(standby.url)
    onTestFinished(() => schema.dispose())
    const store = schema.openStore()
    expect(await store.inspect?.()).toEqual([])
    const position = await store.ledger.append([tokenRevocation('t1')])
    await makeStandby(standby, schema)
    await expect(store.inspect?.()).rejects.toMatchObject({ code: 'invalid_config' })
    await expect(readAll(store.ledger)).rejects.toThrow('standby')
    await schema.pool.query('SELECT pg_promote()')
    expect(idsOf(await readAll(store.ledger))).toEqual(['t1'])
    expect(await store.ledger.append([tokenRevocation('t1')])).toBe(position)
  })

  async function makeStandby(standby: PrivatePostgres, schema: ReturnType<typeof openSchema>) {
    const { rows } = await schema.pool.query('SHOW data_directory')
    const { data_directory } = rows[0] as { data_directory: string }
    await standby.kill('SIGINT')
    writeFileSync(join(data_directory, 'standby.signal'), '')
    await standby.start()
  }
})

describe('a server that may forget', () => {
  it('is reported', async () => {
    const careless = await startPostgres({ settings: { fsync: 'off', full_page_writes: 'off' } })
    onTestFinished(() => careless.dispose())
    const schema = openSchema(careless.url)
    onTestFinished(() => schema.dispose())
    const warnings = await schema.openStore().inspect?.()
    expect(warnings).toHaveLength(2)
    expect(warnings?.[0]).toContain('fsync=off')
    expect(warnings?.[1]).toContain('full_page_writes=off')
  })
})
