import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { createRescind, type Ledger, type Position, type Revocation } from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { sqliteStore } from 'rescind/stores/sqlite'
import { eventually } from 'rescind/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { keys, verdict } from '../session/helpers.ts'

function openFile() {
  const folder = mkdtempSync(join(tmpdir(), 'rescind-'))
  const path = join(folder, 'test.db')
  const connections: Database.Database[] = []
  onTestFinished(() => {
    for (const connection of connections) connection.close()
    rmSync(folder, { recursive: true })
  })
  const connect = () => {
    const connection = new Database(path)
    connections.push(connection)
    return connection
  }
  return { path, folder, connect }
}

const NOW = 1_700_000_000_000
const revocation = (id: string): Revocation => ({ kind: 'token', id, at: NOW, expiresAt: NOW + 60_000 })

async function idsIn(ledger: Ledger): Promise<string[]> {
  const ids: string[] = []
  for await (const page of ledger.read(null)) for (const record of page.records) if ('id' in record) ids.push(record.id)
  return ids
}

describe('the SQLite store', () => {
  it('waits for another process that holds the write lock, without holding up this one', async () => {
    const { connect } = openFile()
    const store = sqliteStore(connect())
    const other = connect()
    other.exec('BEGIN IMMEDIATE')
    let turns = 0
    const turning = setInterval(() => {
      turns += 1
    }, 1)
    onTestFinished(() => clearInterval(turning))
    const recorded = store.ledger.append([revocation('t1')])
    await eventually(() => turns > 20)
    // A guarded request does not wait either.
    expect(await store.ledger.find({ jti: 't1', sid: undefined, sub: undefined, iatMs: NOW }, NOW)).toBeNull()
    other.exec('COMMIT')
    await recorded
    expect(await idsIn(store.ledger)).toEqual(['t1'])
  })

  it('replays every kind of record as it was appended, whatever its texts hold, in order', async () => {
    const { connect } = openFile()
    const store = sqliteStore(connect())
    const ascii = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)).join('')
    const texts = [ascii, '"],["', '\\u0000', '{}', 'null', 'ä\u2028\u2029😀', '1e400', "'; --"]
    const facts = { at: NOW, expiresAt: Number.MAX_SAFE_INTEGER }
    const records = texts.flatMap((text): Revocation[] => [
      { kind: 'token', id: text, ...facts, by: text, reason: text },
      { kind: 'session', id: text, ...facts, reason: text },
      { kind: 'subject', id: text, before: NOW, ...facts, by: text },
      { kind: 'subject', id: text, before: NOW, except: `${text}!`, ...facts },
    ])
    records.push({ kind: 'everything', before: NOW, ...facts })
    await store.ledger.append(records)
    // More than a page.
    const many = Array.from({ length: 2_500 }, (_, number) => revocation(`many-${number}`))
    await store.ledger.append(many)
    const replayed: Revocation[] = []
    for await (const page of store.ledger.read(null)) replayed.push(...page.records)
    expect(replayed).toEqual([...records, ...many])
  })

  it('a history that was rewound is noticed', async () => {
    const { connect, path } = openFile()
    const first = connect()
    const store = sqliteStore(first)
    await store.ledger.append([revocation('t1')])
    await first.backup(`${path}.backup`)
    const position = await store.ledger.append([revocation('t2')])
    const restored = new Database(`${path}.backup`)
    onTestFinished(() => void restored.close())
    const again = sqliteStore(restored)
    await expect(readFrom(again.ledger, position)).rejects.toMatchObject({ code: 'history_lost' })
    const sink = { records: () => {}, now: () => 0, current: () => {} }
    await expect(again.ledger.follow(position, sink, new AbortController().signal)).rejects.toMatchObject({
      code: 'history_lost',
    })
  })

  it('revokes within the transaction of the caller: at its commit, or not at all', async () => {
    const { connect } = openFile()
    const auth = createRescind({ store: sqliteStore(connect()), keys })
    onTestFinished(() => auth.close())
    await auth.ready()
    const users = connect()
    users.exec("CREATE TABLE users (id TEXT, hash TEXT); INSERT INTO users VALUES ('alice', 'old')")
    const { accessToken, sid } = await auth.issue({ sub: 'alice' })
    const { jti } = await auth.verify(accessToken)

    for (const end of ['ROLLBACK', 'COMMIT']) {
      users.exec('BEGIN IMMEDIATE')
      users.exec("UPDATE users SET hash = 'new'")
      const revoking = auth.revoke.within(users)
      const uncommitted = [
        await revoking.subject('alice'),
        await revoking.session(sid),
        await revoking.token({ jti }),
        await revoking.everything({ before: 1 }),
      ]
      expect(uncommitted.map(({ ended }) => ended)).toEqual([1, 0, 0, 0])
      expect(await verdict(auth, accessToken)).toBe('ok')
      users.exec(end)
      expect(users.prepare('SELECT hash FROM users').pluck().get()).toBe(end === 'COMMIT' ? 'new' : 'old')
      if (end === 'ROLLBACK') {
        expect(await auth.sessions.get(sid)).not.toBeNull()
        expect(await auth.explain(accessToken)).toMatchObject({ verdict: 'live' })
      } else {
        for (const each of uncommitted) each.committed()
        expect(await verdict(auth, accessToken)).toBe('token_revoked')
      }
    }
  })

  it('counts all sessions in the order they are kept in, not by way of an index to each of them', async () => {
    const { path } = openFile()
    const asked: string[] = []
    const connection = new Database(path, { verbose: (statement) => asked.push(String(statement)) })
    onTestFinished(() => void connection.close())
    const store = sqliteStore(connection)
    expect(await store.sessions.count({ everyone: true }, NOW)).toBe(0)
    const counting = asked.filter((statement) => statement.startsWith('SELECT count(*) AS sessions'))
    expect(counting).toHaveLength(1)
    expect(connection.prepare(`EXPLAIN QUERY PLAN ${counting[0]}`).all()).toMatchObject([
      { detail: 'SCAN rescind_sessions' },
    ])
  })

  it('takes as a transaction only a connection that has one open', async () => {
    const { connect } = openFile()
    const auth = createRescind({ store: sqliteStore(connect()), keys })
    onTestFinished(() => auth.close())
    for (const transaction of [{}, connect(), { prepare: 1, inTransaction: true }]) {
      await expect(auth.revoke.within(transaction).session('s1')).rejects.toMatchObject({ code: 'invalid_config' })
    }
    const inMemory = createRescind({ store: memoryStore(), keys })
    onTestFinished(() => inMemory.close())
    await expect(inMemory.revoke.within({}).session('s1')).rejects.toMatchObject({ code: 'invalid_config' })
    await expect(inMemory.revoke.within({}).token({ jti: 't1' })).rejects.toMatchObject({ code: 'invalid_config' })
  })
})

async function readFrom(ledger: Ledger, from: Position): Promise<void> {
  for await (const _page of ledger.read(from)) {
    // Only whether it can be read matters.
  }
}
