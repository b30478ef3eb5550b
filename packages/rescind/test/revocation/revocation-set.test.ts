import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TokenIds } from '../../src/base/types.ts'
import { kills, type Revocation } from '../../src/revocation/revocation.ts'
import { createRevocationSet, type RevocationSet } from '../../src/revocation/revocation-set.ts'

const NOW = 1_700_000_000_000
/** No token of these tests outlives its time of issue by more than this. */
const LONGEST_LIFE = 100_000
/** An id may be held this much longer than its record asks for. */
const ROUNDING_MS = 2_000

const uuid = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'
const ids = [
  'a',
  'b',
  '',
  '__proto__',
  uuid,
  uuid.toUpperCase(),
  uuid.replaceAll('-', ''),
  uuid.replace('5b', '5g'),
  uuid.replace('5b', '5ś'),
  uuid.replace('a1b2-c', 'a1b2c-'),
  `${uuid} `,
  'café',
  'caf\u0065\u0301',
  '用户',
  '😀',
  'x'.repeat(300),
  'x'.repeat(301),
]
const time = fc.integer({ min: NOW, max: NOW + 20_000 })

/** Records as the library makes them: kept until no token they match can still be valid. */
const revocationOf = (id: fc.Arbitrary<string>): fc.Arbitrary<Revocation> =>
  time.chain((at) =>
    fc
      .record({
        kind: fc.constantFrom('token', 'session', 'subject', 'subject', 'everything'),
        id,
        except: fc.option(id, { nil: undefined }),
        before: time,
      })
      .map(({ kind, before, except, ...rest }): Revocation => {
        const facts = { at, expiresAt: Math.max(at, before) + LONGEST_LIFE }
        if (kind === 'everything') return { kind, before, ...facts }
        if (kind === 'subject') return { kind, id: rest.id, before, except, ...facts }
        return { kind: kind as 'token' | 'session', id: rest.id, ...facts }
      }),
  )

const maybe = (id: fc.Arbitrary<string>) => fc.option(id, { nil: undefined })
const tokenOf = (id: fc.Arbitrary<string>): fc.Arbitrary<TokenIds> =>
  fc.record({ jti: maybe(id), sid: maybe(id), sub: maybe(id), iatMs: time })

/** Records and tokens of all ids, or of so few that many of them meet. */
const world = fc.constantFrom(fc.constantFrom(...ids), fc.constantFrom('a', uuid, '用户')).chain((id) =>
  fc.record({
    records: fc.array(revocationOf(id), { maxLength: 30 }),
    tokens: fc.array(tokenOf(id), { maxLength: 30 }),
  }),
)

function filled(records: readonly Revocation[]): RevocationSet {
  const set = createRevocationSet()
  for (const record of records) set.add(record)
  return set
}

/** Forgets what is due, all slices; answers how many ids that were. */
function forget(set: RevocationSet, nowMs: number): number {
  let forgotten = 0
  for (const count of set.forget(nowMs)) forgotten += count
  return forgotten
}

/** True for a record that has to do with the id that a verdict named. */
function concerns(record: Revocation, kind: string, { jti, sid, sub }: TokenIds): boolean {
  if (record.kind !== kind || record.kind === 'everything') return record.kind === kind
  return record.id === (record.kind === 'token' ? jti : record.kind === 'session' ? sid : sub)
}

describe('the index of live revocations', () => {
  it('before anything expires, answers for every token', () => {
    fc.assert(
      fc.property(world, ({ records, tokens }) => {
        const set = filled(records)
        const verdicts = tokens.map((ids) => set.find(ids))
        for (const [n, ids] of tokens.entries()) {
          const matching = records.filter((record) => kills(record, ids)).map(({ kind }) => kind)
          const found = verdicts[n] ?? null
          if (matching.length === 0) expect(found).toBeNull()
          else expect(matching).toContain(found)
        }
        const prepared = tokens.map((ids) => set.prepare(ids))
        expect(prepared.map((ids) => set.findPrepared(ids))).toEqual(verdicts)
      }),
      { numRuns: 2_000 },
    )
  })

  it('answers as the definition says, in whatever order records come and go', () => {
    const waits = fc.array(fc.option(fc.integer({ min: 0, max: LONGEST_LIFE / 2 }), { freq: 6, nil: 0 }))
    fc.assert(
      fc.property(world, waits, (world, waits) => {
        const { tokens } = world
        const steps = world.records.flatMap((record, n) => [
          { record, wait: 0 },
          { record: null, wait: waits[n] ?? 0 },
        ])
        const set = createRevocationSet()
        const records: Revocation[] = []
        const prepared = tokens.map((ids) => set.prepare(ids))
        let now = NOW + LONGEST_LIFE - 10_000
        for (const { record, wait } of steps) {
          if (record === null) {
            now += wait
            if (wait > 0) forget(set, now)
          } else {
            records.push(record)
            set.add(record)
          }
        }
        for (const [n, ids] of tokens.entries()) {
          const matching = records.filter((record) => kills(record, ids))
          const found = set.find(ids)
          if (matching.some((record) => record.expiresAt > now)) expect(found).not.toBeNull()
          if (found !== null) expect(matching.map(({ kind }) => kind)).toContain(found)
          const ready = prepared[n]
          if (ready !== undefined) expect(set.findPrepared(ready)).toBe(found)
        }
        now += ROUNDING_MS
        forget(set, now)
        for (const ids of tokens) {
          const found = set.find(ids)
          if (found === null) continue
          expect(records.some((record) => concerns(record, found, ids) && record.expiresAt + ROUNDING_MS > now)).toBe(
            true,
          )
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('while `version` stands, finds alive what it found alive', () => {
    fc.assert(
      fc.property(world, ({ records, tokens }) => {
        const set = createRevocationSet()
        const isAlive = () => tokens.map((ids) => set.find(ids) === null)
        let before = { version: set.version, alive: isAlive() }
        for (const record of [...records, ...records]) {
          set.add(record)
          const after = { version: set.version, alive: isAlive() }
          if (after.version === before.version) {
            for (const [n, alive] of before.alive.entries()) if (alive) expect(after.alive[n]).toBe(true)
          }
          before = after
        }
      }),
      { numRuns: 500 },
    )
  })

  it('knows the cut-off of every subject and session', () => {
    fc.assert(
      fc.property(world, ({ records, tokens: [token] }) => {
        const { sub, sid } = token ?? { sub: undefined, sid: undefined }
        const dead = records.flatMap((record) => {
          if (record.kind === 'everything') return [record.before]
          return record.kind === 'subject' &&
            record.id === sub &&
            (record.except === undefined || record.except !== sid)
            ? [record.before]
            : []
        })
        expect(filled(records).cutoff(sub, sid)).toBe(Math.max(Number.NEGATIVE_INFINITY, ...dead))
      }),
      { numRuns: 2_000 },
    )
  })

  it('gives its records back, and another set that takes them in answers alike', () => {
    fc.assert(
      fc.property(world, ({ records, tokens }) => {
        const set = filled(records)
        const copy = filled([...set.records(NOW + 1)])
        expect(copy.size).toBe(set.size)
        for (const ids of tokens) {
          expect(copy.find(ids)).toBe(set.find(ids))
          expect(copy.cutoff(ids.sub, ids.sid)).toBe(set.cutoff(ids.sub, ids.sid))
        }
        for (const record of set.records(NOW + 1)) {
          expect(record.at).toBe(NOW + 1)
          if ('before' in record) expect(record.before).toBeGreaterThanOrEqual(NOW)
          const alike = records.filter((known) => concerns(known, record.kind, idsNamedBy(record)))
          const latest = Math.max(...alike.map(({ expiresAt }) => expiresAt))
          expect(record.expiresAt).toBeGreaterThanOrEqual(latest)
          expect(record.expiresAt).toBeLessThan(latest + ROUNDING_MS)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('forgets all of it in the end', () => {
    fc.assert(
      fc.property(world, ({ records }) => {
        const set = filled(records)
        const held = set.size
        expect(forget(set, NOW + 10 * LONGEST_LIFE)).toBe(held)
        expect(set.size).toBe(0)
        expect([...set.records(NOW)]).toEqual([])
        expect(set.cutoff('a', undefined)).toBe(Number.NEGATIVE_INFINITY)
      }),
    )
  })

  it('forgets the first of a month of records that expire one by one', () => {
    const set = createRevocationSet()
    const count = 300_000
    for (let n = 0; n < count; n += 1) {
      set.add({ kind: 'token', id: `t${n}`, at: NOW, expiresAt: NOW + n * 10_000 })
    }
    expect(forget(set, NOW + 199_999)).toBe(20)
    expect(set.size).toBe(count - 20)
    expect(set.find({ jti: 't19', sid: undefined, sub: undefined, iatMs: NOW })).toBeNull()
    expect(set.find({ jti: 't20', sid: undefined, sub: undefined, iatMs: NOW })).toBe('token')
  })

  it('keeps a record whose life was prolonged', () => {
    const set = createRevocationSet()
    set.add({ kind: 'token', id: 'a', at: NOW, expiresAt: NOW + 1_000 })
    set.add({ kind: 'token', id: 'a', at: NOW, expiresAt: NOW + 100_000 })
    set.add({ kind: 'token', id: 'a', at: NOW, expiresAt: NOW + 2_000 })
    expect(forget(set, NOW + 50_000)).toBe(0)
    expect(set.find({ jti: 'a', sid: undefined, sub: undefined, iatMs: NOW })).not.toBeNull()
  })

  it('keeps for ever what expires later than it can count, or at no time at all', () => {
    const set = createRevocationSet()
    const expiries = [8.64e15, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY, Number.NaN]
    for (const [n, expiresAt] of expiries.entries()) set.add({ kind: 'token', id: `t${n}`, at: NOW, expiresAt })
    expect(forget(set, Number.MAX_SAFE_INTEGER)).toBe(0)
    expect(set.size).toBe(expiries.length)
    for (const { expiresAt } of set.records(NOW)) expect(expiresAt).toBe(8.64e15)
  })

  it('takes any cut-off that a double can hold, and one before 1970', () => {
    for (const before of [-5, -(2 ** 53) + 1, 2 ** 53 - 1, 0.5, Number.POSITIVE_INFINITY]) {
      const set = createRevocationSet()
      set.add({ kind: 'subject', id: 'a', before, at: NOW, expiresAt: NOW })
      expect(set.cutoff('a', undefined)).toBe(before)
    }
  })

  it('forgets all that a subject had, though a new cut-off comes before everything is cleared away', () => {
    const set = createRevocationSet()
    set.add({ kind: 'subject', id: 'a', before: 9, except: 's', at: NOW, expiresAt: NOW })
    const slices = set.forget(NOW)
    while (set.size > 0) slices.next()
    set.add({ kind: 'subject', id: 'a', before: 5, at: NOW, expiresAt: NOW + 10_000 })
    expect(set.cutoff('a', 't')).toBe(5)
    for (const _ of slices) expect(set.cutoff('a', 't')).toBe(5)
  })

  it('says what changed something, and counts in `version` what can kill', () => {
    const set = createRevocationSet()
    const facts = { at: NOW, expiresAt: NOW + 10_000 }
    const later = { at: NOW, expiresAt: NOW + 20_000 }
    const steps: [Revocation, changed: boolean, kills: boolean][] = [
      [{ kind: 'token', id: 'a', ...facts }, true, true],
      [{ kind: 'token', id: 'a', ...facts }, false, false],
      [{ kind: 'token', id: 'a', ...later }, true, false],
      [{ kind: 'token', id: 'a', ...facts }, false, false],
      [{ kind: 'session', id: 'a', ...facts }, true, true],
      [{ kind: 'subject', id: 'a', before: 5, ...facts }, true, true],
      [{ kind: 'subject', id: 'a', before: 5, ...facts }, false, false],
      [{ kind: 'subject', id: 'a', before: 4, except: 's', ...facts }, false, false],
      [{ kind: 'subject', id: 'a', before: 4, ...later }, true, false],
      [{ kind: 'subject', id: 'a', before: 6, except: 's', ...facts }, true, true],
      [{ kind: 'subject', id: 'a', before: 6, except: 's', ...facts }, false, false],
      [{ kind: 'subject', id: 'a', before: 6, except: 't', ...facts }, true, true],
      [{ kind: 'subject', id: 'a', before: 6, ...facts }, false, false],
      [{ kind: 'everything', before: 5, ...facts }, true, true],
      [{ kind: 'everything', before: 5, ...facts }, false, false],
      [{ kind: 'everything', before: 4, ...later }, true, false],
      [{ kind: 'everything', before: 6, ...facts }, true, true],
    ]
    for (const [record, changed, kills] of steps) {
      const before = set.version
      expect(set.add(record), JSON.stringify(record)).toBe(changed)
      expect(set.version > before, JSON.stringify(record)).toBe(kills)
    }
    expect(set.size).toBe(4)
    forget(set, NOW + 30_000)
    const before = set.version
    expect(set.add({ kind: 'token', id: 'a', ...facts })).toBe(true)
    expect(set.version).toBeGreaterThan(before)
  })
})

function idsNamedBy(record: Revocation): TokenIds {
  const id = record.kind === 'everything' ? undefined : record.id
  return { jti: id, sid: id, sub: id, iatMs: NOW }
}
