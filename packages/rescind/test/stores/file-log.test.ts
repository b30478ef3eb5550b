import { deepEqual, equal, notEqual, ok, rejects, throws } from 'node:assert/strict'
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EndOrder, FeedSink, NewSession, Position, Revocation, RotateClaim, Store } from 'rescind'
import { type FileStoreOptions, fileStore } from 'rescind/stores/file'
import { eventually } from 'rescind/testing'
import { afterEach, beforeEach, describe, it } from 'vitest'

const NOW = 1_700_000_000_000
const LATER = NOW + 86_400_000
const SMALL = 4_096

let folder: string
let stores: Store[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rescind-'))
  stores = []
})
afterEach(async () => {
  await Promise.all(stores.map((store) => store.close()))
  rmSync(folder, { recursive: true })
})

function open(options: FileStoreOptions = {}): Store {
  const store = fileStore(join(folder, 'data', 'log'), options)
  stores.push(store)
  return store
}

/** The number of the file that the log ends in. */
function lastNumber(): number {
  return Math.max(...readdirSync(join(folder, 'data')).map((name) => Number(/^log\.(\d+)$/.exec(name)?.[1] ?? 0)))
}

function logFile(): string {
  return join(folder, 'data', `log.${lastNumber()}`)
}

function revocation(id: string, expiresAt = LATER): Revocation {
  return { kind: 'token', id, at: NOW, expiresAt }
}

function endOf(sid: string): EndOrder {
  return { which: { sid }, revocation: { kind: 'session', id: sid, at: NOW, expiresAt: LATER } }
}

function newSession(sid: string): NewSession {
  const times = { createdAtMs: NOW, lastUsedAtMs: NOW, expiresAtMs: LATER, endsAtMs: LATER }
  return { sid, sub: 'alice', ...times, ip: null, userAgent: null, refreshHash: `${sid}-0` }
}

function claim(sid: string, token: number): RotateClaim {
  const hashes = { presentedHash: `${sid}-${token}`, successorHash: `${sid}-${token + 1}` }
  const ids = { jti: `${sid}-${token}`, sid, sub: 'alice', iatMs: NOW }
  const onReuse: Revocation = { kind: 'session', id: sid, at: NOW, expiresAt: LATER }
  return { sid, token: ids, ...hashes, nowMs: NOW, expiresAtMs: LATER, graceMs: 1_000, onReuse }
}

async function idsAfter({ ledger }: Store, from: Position | null = null): Promise<string[]> {
  const ids: string[] = []
  for await (const page of ledger.read(from)) {
    for (const record of page.records) ids.push(record.kind === 'everything' ? '*' : record.id)
  }
  return ids
}

/** Follows from the end of what there is. */
async function follow({ ledger }: Store) {
  let position: Position = ''
  for await (const page of ledger.read(null)) position = page.position
  const ids: string[] = []
  const ending = new AbortController()
  const sink: FeedSink = {
    now: () => 0,
    records: (page) => ids.push(...page.records.map((record) => (record.kind === 'token' ? record.id : ''))),
    current: () => {},
  }
  return { ids, ended: ledger.follow(position, sink, ending.signal), stop: () => ending.abort() }
}

/** Appends and prunes until the log has gone through this many files. */
async function compact(store: Store, files: number): Promise<void> {
  const before = lastNumber()
  for (let n = 0; lastNumber() < before + files; n += 1) {
    await store.ledger.append(Array.from({ length: 50 }, (_, at) => revocation(`passing-${n}-${at}`, NOW + 1)))
    await store.ledger.prune(NOW + 1, 100)
  }
}

describe('the file store', () => {
  it('says what it promises, and refuses options that make no sense', () => {
    deepEqual(open().guarantees, { durable: true, shared: true })
    throws(() => fileStore(''), { code: 'invalid_config' })
    throws(() => fileStore('a\0b'), { code: 'invalid_config' })
    throws(() => open({ pollMs: 0 }), { code: 'invalid_config' })
    throws(() => open({ compactBytes: 1 }), { code: 'invalid_config' })
  })

  it('takes no part in a transaction, and no time that it could not write down', async () => {
    const { ledger, sessions } = open()
    await rejects(ledger.append([revocation('t1')], {}), { code: 'invalid_config' })
    await rejects(sessions.end([endOf('s1')], {}), { code: 'invalid_config' })
    const endless = revocation('t1', Number.POSITIVE_INFINITY)
    await rejects(ledger.append([revocation('t2'), endless]), { code: 'invalid_config' })
    await rejects(sessions.end([{ ...endOf('s1'), revocation: endless }]), { code: 'invalid_config' })
    deepEqual(await idsAfter(stores[0] ?? open()), [])
  })

  it('keeps its files from other users', async () => {
    await open().ledger.append([revocation('t1')])
    equal(statSync(join(folder, 'data')).mode & 0o777, 0o700)
    equal(statSync(logFile()).mode & 0o777, 0o600)
  })

  it('is made once, however many open it at the same time', async () => {
    const many = Array.from({ length: 12 }, () => open())
    const generations = await Promise.all(many.map((store) => store.ledger.generation()))
    equal(new Set(generations).size, 1)
    await Promise.all(many.map((store, n) => store.ledger.append([revocation(`t${n}`)])))
    for (const store of many) equal((await idsAfter(store)).length, 12)
    deepEqual(readdirSync(join(folder, 'data')), ['log.1'])
  })

  it('writes nothing for what changes nothing', async () => {
    const { ledger, sessions } = open()
    await sessions.start([newSession('s1'), newSession('s2')])
    await sessions.rotate([claim('s1', 0)])
    await sessions.end([endOf('s2')])
    await ledger.append([revocation('t1')])
    const { size } = statSync(logFile())
    const again = await sessions.rotate([claim('s1', 0), claim('s2', 0), claim('nobody', 0)])
    deepEqual(
      again.map((result) => result.outcome),
      ['replayed', 'ended', 'unknown'],
    )
    deepEqual(await sessions.start([newSession('s1')]), ['exists'])
    equal((await sessions.end([endOf('s2')]))[0]?.ended, 0)
    await ledger.append([revocation('t1')])
    await ledger.append([])
    deepEqual([await ledger.prune(NOW, 10), await sessions.sweep(NOW, 10), await ledger.prune(LATER, 0)], [0, 0, 0])
    equal(statSync(logFile()).size, size)
  })

  it('sweeps a session in its time, also where a rotation has brought that forward', async () => {
    const { sessions } = open()
    await sessions.start([newSession('s1'), { ...newSession('s2'), expiresAtMs: NOW + 10 }])
    await sessions.rotate([{ ...claim('s1', 0), expiresAtMs: NOW + 5 }])
    equal(await sessions.sweep(NOW + 5, 10), 1)
    equal(await sessions.get('s1', NOW), null)
    ok((await sessions.get('s2', NOW)) !== null)
  })

  it('lets a wish that makes no sense fail alone', async () => {
    const { ledger, sessions } = open()
    const nonsense = sessions.start([null as unknown as NewSession])
    const sense = ledger.append([revocation('t1')])
    await rejects(nonsense)
    await sense
    deepEqual(await idsAfter(open()), ['t1'])
  })

  it('answers nothing once it is closed', async () => {
    const store = open()
    const before = store.ledger.append([revocation('t1')])
    const closing = store.close()
    await rejects(store.ledger.append([revocation('t2')]), { code: 'closed' })
    await Promise.all([before, closing])
    deepEqual(await idsAfter(open()), ['t1'])
  })

  it('compacts the log, and every position stays good', async () => {
    const store = open({ compactBytes: SMALL })
    const sleeper = open()
    const follower = await follow(sleeper)
    const first = await store.ledger.append([revocation('t1')])
    const second = await store.ledger.append([revocation('t2'), revocation('t3')])
    await store.sessions.start([newSession('s1'), newSession('s2')])
    await store.sessions.rotate([claim('s1', 0)])
    await store.sessions.end([endOf('s2')])
    const generation = await store.ledger.generation()
    await compact(store, 3)
    for (const each of [store, sleeper, open()]) {
      equal(await each.ledger.generation(), generation)
      const live = (ids: string[]) => ids.filter((id) => !id.startsWith('passing'))
      deepEqual(live(await idsAfter(each)), ['t1', 't2', 't3', 's2'])
      deepEqual(live(await idsAfter(each, first)), ['t2', 't3', 's2'])
      deepEqual(live(await idsAfter(each, second)), ['s2'])
      deepEqual(await each.sessions.start([newSession('s1'), newSession('s2')]), ['exists', 'exists'])
      const outcomes = await each.sessions.rotate([claim('s1', 0), claim('s2', 0)])
      deepEqual(
        outcomes.map((result) => result.outcome),
        ['replayed', 'ended'],
      )
    }
    await store.ledger.append([revocation('last')])
    await eventually(() => follower.ids.includes('last'))
    deepEqual(
      follower.ids.filter((id) => /^(t\d|last)$/.test(id)),
      ['t1', 't2', 't3', 'last'],
    )
    follower.stop()
    await follower.ended
    await Promise.all(stores.map((each) => each.close()))
    deepEqual(readdirSync(join(folder, 'data')), [`log.${lastNumber()}`])
    ok(statSync(logFile()).size < 3 * SMALL)
  })

  it('a position stays good though its record was pruned and compacted away', async () => {
    const store = open({ compactBytes: SMALL })
    const position = await store.ledger.append([revocation('t1', NOW + 1)])
    await store.ledger.prune(NOW + 1, 10)
    for (let n = 0; lastNumber() === 1; n += 1) {
      await store.sessions.start([newSession(`s${n}`)])
      await store.sessions.sweep(LATER, 10)
    }
    deepEqual(await idsAfter(open(), position), [])
    await store.ledger.append([revocation('t2')])
    deepEqual(await idsAfter(open(), position), ['t2'])
  })

  it('an opening that slept through compactions goes on at the newest file', async () => {
    const store = open({ compactBytes: SMALL })
    const sleeper = open()
    const position = await sleeper.ledger.append([revocation('t1')])
    await compact(store, 2)
    await sleeper.ledger.append([revocation('t2')])
    deepEqual(await idsAfter(sleeper), await idsAfter(store))
    ok((await idsAfter(store, position)).includes('t2'))
  })

  it('takes away what an interrupted compaction has left', async () => {
    const store = open({ compactBytes: SMALL })
    await store.ledger.append([revocation('t1')])
    const left = `${logFile().slice(0, -1)}2.00000000-0000-4000-8000-000000000000.tmp`
    writeFileSync(left, 'half a snapshot')
    await compact(store, 1)
    await store.close()
    deepEqual((await idsAfter(open())).slice(0, 1), ['t1'])
    deepEqual(readdirSync(join(folder, 'data')), [`log.${lastNumber()}`])
  })

  it('tells followers when the log was removed, and begins a new history', async () => {
    const warnings: string[] = []
    const store = open({ onWarning: (message) => warnings.push(message) })
    const position = await store.ledger.append([revocation('t1')])
    const generation = await store.ledger.generation()
    const follower = await follow(store)
    rmSync(logFile())
    await rejects(follower.ended, { code: 'history_lost' })
    await rejects(idsAfter(store, position), { code: 'history_lost' })
    notEqual(await store.ledger.generation(), generation)
    await store.ledger.append([revocation('t2')])
    for (const each of [store, open()]) deepEqual(await idsAfter(each), ['t2'])
    equal(warnings.length, 1)
  })

  it('tells followers when an older copy of the log was put in its place', async () => {
    const store = open()
    const early = await store.ledger.append([revocation('t1')])
    const backup = join(folder, 'backup')
    copyFileSync(logFile(), backup)
    const position = await store.ledger.append([revocation('t2')])
    const follower = await follow(store)
    renameSync(backup, logFile())
    await rejects(follower.ended, { code: 'history_lost' })
    await rejects(idsAfter(store, position), { code: 'history_lost' })
    deepEqual(await idsAfter(store, early), [])
    await store.ledger.append([revocation('t3')])
    for (const each of [store, open()]) deepEqual(await idsAfter(each), ['t1', 't3'])
  })

  it('tells when the log was cut short while it was open', async () => {
    const store = open()
    await store.ledger.append([revocation('t1')])
    const { size } = statSync(logFile())
    const position = await store.ledger.append([revocation('t2')])
    truncateSync(logFile(), size)
    await rejects(idsAfter(store, position), { code: 'history_lost' })
    deepEqual(await idsAfter(store), ['t1'])
  })
})
