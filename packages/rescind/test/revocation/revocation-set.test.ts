import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TokenIds } from '../../src/base/types.ts'
import { kills, type Revocation } from '../../src/revocation/revocation.ts'
import { createRevocationSet } from '../../src/revocation/revocation-set.ts'

const NOW = 1_700_000_000_000
/** No token of these tests outlives its time of issue by more than this. */
const LONGEST_LIFE = 100_000

const id = fc.constantFrom('a', 'b', 'c', '', '__proto__')
const time = fc.integer({ min: NOW, max: NOW + 20_000 })

/** Records as the library makes them: kept until no token they match can still be valid. */
const revocation: fc.Arbitrary<Revocation> = time.chain((at) =>
  fc
    .record({
      kind: fc.constantFrom('token', 'session', 'subject', 'everything'),
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

const maybeId = fc.option(id, { nil: undefined })
const token: fc.Arbitrary<TokenIds> = fc.record({ jti: maybeId, sid: maybeId, sub: maybeId, iatMs: time })

describe('the index of live revocations', () => {
  it('answers as the definition says, in whatever order records come and go', () => {
    fc.assert(
      fc.property(
        fc.array(revocation, { maxLength: 30 }),
        fc.array(token, { maxLength: 30 }),
        time,
        (records, tokens, now) => {
          const set = createRevocationSet()
          for (const record of records) set.add(record)
          for (const record of records) set.add(record)
          set.forget(now + LONGEST_LIFE, 1_000)
          for (const ids of tokens) {
            const matching = records.filter((record) => kills(record, ids))
            const found = set.find(ids)
            if (matching.some((record) => record.expiresAt > now + LONGEST_LIFE)) expect(found).not.toBeNull()
            if (found !== null) expect(matching.length).toBeGreaterThan(0)
          }
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('before anything expires, answers for every token', () => {
    fc.assert(
      fc.property(fc.array(revocation, { maxLength: 30 }), fc.array(token), (records, tokens) => {
        const set = createRevocationSet()
        for (const record of records) set.add(record)
        for (const ids of tokens) {
          expect(set.find(ids) !== null).toBe(records.some((record) => kills(record, ids)))
        }
      }),
      { numRuns: 2_000 },
    )
  })

  it('forgets all of it in the end, in steps as small as asked', () => {
    fc.assert(
      fc.property(fc.array(revocation, { maxLength: 50 }), fc.integer({ min: 1, max: 7 }), (records, limit) => {
        const set = createRevocationSet()
        for (const record of records) set.add(record)
        const end = NOW + 10 * LONGEST_LIFE
        for (let step = 0; step < 2 * records.length; step += 1)
          expect(set.forget(end, limit)).toBeLessThanOrEqual(limit)
        expect(set.size).toBe(0)
      }),
    )
  })

  it('forgets the first of a month of records that expire one by one', () => {
    const set = createRevocationSet()
    const count = 300_000
    for (let n = 0; n < count; n += 1) {
      set.add({ kind: 'token', id: `t${n}`, at: NOW, expiresAt: NOW + n * 10_000 })
    }
    expect(set.forget(NOW + 200_000, 1_000)).toBe(20)
    expect(set.size).toBe(count - 20)
  })

  it('keeps a record whose life was prolonged', () => {
    const set = createRevocationSet()
    set.add({ kind: 'token', id: 'a', at: NOW, expiresAt: NOW + 1_000 })
    set.add({ kind: 'token', id: 'a', at: NOW, expiresAt: NOW + 100_000 })
    expect(set.forget(NOW + 50_000, 100)).toBe(0)
    expect(set.find({ jti: 'a', sid: undefined, sub: undefined, iatMs: NOW })).not.toBeNull()
  })
})
