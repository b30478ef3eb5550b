import { types } from 'pg'
import { createRescind } from 'rescind'
import { postgresStore } from 'rescind/stores/postgres'
import { describeStore, eventually } from 'rescind/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { keys, verdict } from '../session/helpers.ts'
import {
  claim,
  idsOf,
  LATER,
  lastPosition,
  NOW,
  newSession,
  readAll,
  sessionRevocation,
  tokenRevocation,
} from './ledger-samples.ts'
import { followFrom } from './postgres-helpers.ts'
import { useSchemas } from './postgres-schemas.ts'

const openSchema = useSchemas()

describeStore(
  { describe, it },
  {
    name: 'PostgreSQL',
    async open() {
      const schema = await openSchema()
      return {
        store: schema.openStore(),
        reopen: async () => schema.openStore(schema.openPool()),
        dispose: () => schema.dispose(),
      }
    },
  },
)

async function schemaOfTest() {
  const schema = await openSchema()
  onTestFinished(() => schema.dispose())
  return schema
}

describe('the PostgreSQL store', () => {
  it('makes its tables once, however many processes start at the same time', async () => {
    for (let round = 0; round < 10; round += 1) {
      const schema = await openSchema()
      const stores = Array.from({ length: 6 }, () => schema.openStore(schema.openPool({ max: 2 })))
      const generations = await Promise.all(stores.flatMap(({ ledger }) => [ledger.generation(), ledger.generation()]))
      await schema.dispose()
      expect(new Set(generations).size).toBe(1)
    }
  })

  it('revokes within the transaction of the caller: at its commit, or not at all', async () => {
    const schema = await schemaOfTest()
    const auth = createRescind({ store: schema.openStore(), keys })
    onTestFinished(() => auth.close())
    const elsewhere = createRescind({ store: schema.openStore(schema.openPool()), keys })
    onTestFinished(() => elsewhere.close())
    await Promise.all([auth.ready(), elsewhere.ready()])
    await schema.pool.query(`CREATE TABLE "${schema.name}".users AS SELECT 'old' AS hash`)
    const { accessToken, sid } = await auth.issue({ sub: 'alice' })
    const { jti } = await auth.verify(accessToken)
    const client = await schema.pool.connect()
    onTestFinished(() => client.release())

    for (const end of ['ROLLBACK', 'COMMIT']) {
      await client.query('BEGIN')
      await client.query(`UPDATE "${schema.name}".users SET hash = 'new'`)
      const revoking = auth.revoke.within(client)
      const uncommitted = [
        await revoking.subject('alice'),
        await revoking.session(sid),
        await revoking.token({ jti }),
        await revoking.everything({ before: 1 }),
      ]
      expect(uncommitted.map(({ ended }) => ended)).toEqual([1, 0, 0, 0])
      expect(await verdict(auth, accessToken)).toBe('ok')
      await client.query(end)
      const { rows } = await client.query(`SELECT hash FROM "${schema.name}".users`)
      expect(rows).toEqual([{ hash: end === 'COMMIT' ? 'new' : 'old' }])
      if (end === 'ROLLBACK') {
        expect(await auth.sessions.get(sid)).not.toBeNull()
        expect(await auth.explain(accessToken)).toMatchObject({ verdict: 'live' })
      } else {
        for (const each of uncommitted) each.committed()
        expect(await verdict(auth, accessToken)).toBe('token_revoked')
        await eventually(async () => (await verdict(elsewhere, accessToken)) === 'token_revoked')
      }
    }
  })

  it('takes as a transaction only a client that has one open', async () => {
    const schema = await schemaOfTest()
    const { ledger, sessions } = schema.openStore()
    const client = await schema.pool.connect()
    onTestFinished(() => client.release())
    for (const transaction of [{}, { query: 1 }, client]) {
      const refusal = { code: 'invalid_config' }
      await expect(ledger.append([tokenRevocation('t1')], transaction)).rejects.toMatchObject(refusal)
      const order = { which: { sid: 's1' }, revocation: sessionRevocation('s1') }
      await expect(sessions.end([order], transaction)).rejects.toMatchObject(refusal)
    }
    expect(await readAll(ledger)).toEqual([])
  })

  it('goes on with the deadlock that another transaction runs it into', async () => {
    const schema = await schemaOfTest()
    const { ledger, sessions } = schema.openStore()
    await sessions.start([newSession('s1'), newSession('s2')])
    const other = await schema.pool.connect()
    onTestFinished(() => other.release())
    const touch = (sid: string) =>
      other.query(`UPDATE "${schema.name}".rescind_sessions SET ip = 'x' WHERE sid = $1`, [sid])
    // Whoever waits for so long first looks for a deadlock, and gives way: this one never does.
    await other.query("SET deadlock_timeout = '1h'")
    await other.query('BEGIN')
    await touch('s2')
    const ending = sessions.end(['s1', 's2'].map((sid) => ({ which: { sid }, revocation: sessionRevocation(sid) })))
    await eventually(async () => {
      const { rows } = await schema.pool.query(
        "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1",
        [`%${schema.name}%`],
      )
      return rows.length === 1
    })
    await touch('s1')
    await other.query('COMMIT')
    await other.query('RESET deadlock_timeout')
    expect((await ending).map(({ ended }) => ended)).toEqual([1, 1])
    expect(idsOf(await readAll(ledger))).toEqual(['s1', 's2'])
  })

  it('keeps its promises where every transaction is serializable by default', async () => {
    const schema = await schemaOfTest()
    const open = () =>
      schema.openStore(schema.openPool({ max: 4, options: '-c default_transaction_isolation=serializable' }))
    const stores = [open(), open()]
    await Promise.all(stores.map(({ sessions }) => sessions.start([newSession('s1')])))
    const appends = stores.flatMap(({ ledger }, s) =>
      [1, 2, 3].map((n) => ledger.append([tokenRevocation(`${s}-${n}`)])),
    )
    const rotations = stores.flatMap(({ sessions }) => [1, 2, 3].map(() => sessions.rotate([claim('s1', 0)])))
    expect(new Set(await Promise.all(appends)).size).toBe(6)
    const outcomes = (await Promise.all(rotations)).flat().map(({ outcome }) => outcome)
    expect(outcomes.toSorted()).toEqual([...Array(5).fill('replayed'), 'rotated'])
  })

  it('reads integers in whichever form the program has told its driver to give them', async () => {
    const schema = await schemaOfTest()
    for (const [form, read] of Object.entries({ text: String, number: Number, bigint: BigInt })) {
      const getTypeParser = ((id: number, format: 'text') =>
        id === types.builtins.INT8 ? read : types.getTypeParser(id, format)) as typeof types.getTypeParser
      const pool = schema.openPool({ types: { getTypeParser } })
      const { ledger, sessions } = schema.openStore(pool, { preparedStatements: form !== 'text' })
      const position = await lastPosition(ledger)
      const subject = { kind: 'subject', id: form, before: NOW, at: NOW, expiresAt: LATER } as const
      await ledger.append([subject])
      expect(await readAll(ledger, position)).toEqual([subject])
      expect(await ledger.find({ jti: undefined, sid: undefined, sub: form, iatMs: NOW - 0.5 }, NOW)).toEqual(subject)
      await sessions.start([newSession(form)])
      const { refreshHash: _, ...shown } = newSession(form)
      expect(await sessions.get(form, NOW)).toEqual(shown)
      expect(await sessions.rotate([claim(form, 0)])).toMatchObject([{ outcome: 'rotated', issuedAtMs: NOW + 1 }])
      expect(await sessions.count({ sid: form }, NOW)).toBe(1)
    }
  })

  it('keeps ids that PostgreSQL cannot hold as they are, and lets no text fail a batch', async () => {
    const schema = await schemaOfTest()
    const { ledger, sessions } = schema.openStore()
    const ids = ['\0', '\u0001', '\u00010', '\0'.repeat(512), '\u00011\0', 'a\0b', '水'.repeat(512)]
    const odd = ids.map((id) => tokenRevocation(id))
    const spared = {
      kind: 'subject',
      id: '水'.repeat(512),
      before: NOW,
      except: '火'.repeat(512),
      at: NOW,
      expiresAt: LATER,
    } as const
    await ledger.append([...odd, spared, { ...tokenRevocation('t1'), by: 'half a \ud83d', reason: 'nul \0' }])
    expect(await readAll(ledger)).toEqual([
      ...odd,
      spared,
      { ...tokenRevocation('t1'), by: 'half a \ufffd', reason: 'nul \0' },
    ])
    for (const id of ids) {
      expect(await ledger.find({ jti: id, sid: undefined, sub: undefined, iatMs: NOW }, NOW)).toEqual(
        tokenRevocation(id),
      )
    }
    await sessions.start(
      ids.map((sid) => newSession(sid, { sub: sid, refreshHash: 'h', userAgent: 'agent \0 \udc00' })),
    )
    const claims = ids.map((sid) => claim(sid, 0, { presentedHash: 'h', successorHash: 'i' }))
    expect(await sessions.rotate(claims)).toMatchObject(ids.map((sid) => ({ outcome: 'rotated', session: { sid } })))
    expect((await sessions.list('a\0b', { limit: 9 }, NOW)).sessions).toMatchObject([
      { sid: 'a\0b', sub: 'a\0b', userAgent: 'agent \0 \ufffd' },
    ])
  })

  it('of one revocation twice in a batch keeps the one that lasts, and the order', async () => {
    const schema = await schemaOfTest()
    const { ledger } = schema.openStore()
    const position = await ledger.append([
      tokenRevocation('t1', LATER),
      tokenRevocation('t2', LATER + 1),
      tokenRevocation('t1', LATER + 2),
      tokenRevocation('t2', LATER),
    ])
    expect(await readAll(ledger)).toEqual([tokenRevocation('t2', LATER + 1), tokenRevocation('t1', LATER + 2)])
    expect(await ledger.append([tokenRevocation('t2', LATER), tokenRevocation('t1', LATER)])).toBe(position)
    expect(await ledger.append([])).toBe(position)
  })

  it('serves a role that may only read, once the tables are there', async () => {
    const schema = await schemaOfTest()
    const owner = schema.openStore()
    await owner.ledger.append([tokenRevocation('t1')])
    const role = `reader_${schema.name}`
    await schema.pool.query(`CREATE ROLE ${role}; GRANT USAGE ON SCHEMA "${schema.name}" TO ${role};
      GRANT SELECT ON ALL TABLES IN SCHEMA "${schema.name}" TO ${role}`)
    onTestFinished(async () => {
      await schema.pool.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
    })
    const { ledger } = schema.openStore(schema.openPool({ options: `-c role=${role}` }))
    const follower = followFrom(ledger, await lastPosition(ledger))
    await owner.ledger.append([tokenRevocation('t2')])
    await eventually(() => idsOf(follower.records).includes('t2'))
    await follower.stop()
    expect(idsOf(await readAll(ledger))).toEqual(['t1', 't2'])
    await expect(ledger.append([tokenRevocation('t3')])).rejects.toMatchObject({ code: '42501' })
  })

  it('refuses a schema it would have to escape, and a pace that is none', async () => {
    const { pool } = await schemaOfTest()
    for (const schema of ['', '1st', 'a"b', 'a.b', 'ä', 'x'.repeat(56)]) {
      expect(() => postgresStore(pool, { schema }), schema).toThrow(expect.objectContaining({ code: 'invalid_config' }))
    }
    for (const pollMs of [0, 0.5, Number.NaN, 60_001]) {
      expect(() => postgresStore(pool, { pollMs })).toThrow(expect.objectContaining({ code: 'invalid_config' }))
    }
  })
})
