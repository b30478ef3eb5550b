import { deepEqual } from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import type { Position, Revocation, SessionSelector, Store, TokenIds } from 'rescind'
import { redisStore } from 'rescind/stores/redis'
import { sqliteStore } from 'rescind/stores/sqlite'
import { afterAll, describe, it } from 'vitest'
import { redisForTests } from '../../../../tools/servers/redis.mjs'
import { claim, NOW, newSession, readAll } from './ledger-samples.ts'
import { connectTo, removeKeys } from './redis-helpers.ts'

const server = await redisForTests()
const client = await connectTo(server.url)
afterAll(async () => {
  client.destroy()
  await server.dispose()
})

/** One thing done to a store; its answer must be the same whichever store it is. */
type Step = (store: Store, positions: Position[]) => Promise<unknown>

// Few ids and few times, so that steps meet.
const id = fc.constantFrom('a', 'b', 'c', 'd')
const maybeId = fc.option(id, { nil: undefined })
const time = fc.integer({ min: -5, max: 12 }).map((n) => NOW + n)
const maybeTime = fc.option(time, { nil: undefined })
const rounds = fc.constantFrom(0, 0, 0, 1, 1, 2, 3)
// Late enough for most sessions to live through a few steps.
const late = fc.integer({ min: 5, max: 20 }).map((n) => NOW + n)

const revocation: fc.Arbitrary<Revocation> = fc
  .record({
    kind: fc.constantFrom('token', 'session', 'subject', 'everything'),
    id,
    at: time,
    till: time,
    before: time,
    except: maybeId,
  })
  .map(({ kind, id, at, till: expiresAt, before, except }): Revocation => {
    if (kind === 'everything') return { kind, before, at, expiresAt }
    if (kind !== 'subject') return { kind: kind === 'token' ? kind : 'session', id, at, expiresAt }
    return { kind, id, before, at, expiresAt, ...(except === undefined ? {} : { except }) }
  })
const token: fc.Arbitrary<TokenIds> = fc.record({ jti: maybeId, sid: maybeId, sub: maybeId, iatMs: time })
// Mostly one that no record kills, or hardly a session would live to be rotated twice.
const presented = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ jti: undefined, sid: undefined, sub: undefined, iatMs: NOW + 99 }) },
  { weight: 1, arbitrary: token },
)
const selector: fc.Arbitrary<SessionSelector> = fc.oneof(
  id.map((sid) => ({ sid })),
  fc.record({ sub: id, beforeMs: maybeTime, except: maybeId }),
  maybeTime.map((beforeMs): SessionSelector => ({ everyone: true, beforeMs })),
)
/** What the layer above records for such a selector. */
const reasonFor = (which: SessionSelector, at: number): Revocation => {
  const facts = { at, expiresAt: NOW + 8 }
  if ('sid' in which) return { kind: 'session', id: which.sid, ...facts }
  if ('everyone' in which) return { kind: 'everything', before: which.beforeMs ?? at, ...facts }
  const { sub, beforeMs = at, except } = which
  return { kind: 'subject', id: sub, before: beforeMs, ...facts, ...(except === undefined ? {} : { except }) }
}
const text = (record: Revocation) => JSON.stringify(Object.entries(record).sort())
const byText = (a: Revocation, b: Revocation) => (text(a) < text(b) ? -1 : 1)

const steps: { [verb: string]: fc.Arbitrary<Step> } = {
  append: fc.array(revocation, { maxLength: 3 }).map(
    (records): Step =>
      async ({ ledger }, positions) => {
        positions.push(await ledger.append(records))
      },
  ),
  read: fc.nat().map(
    (n): Step =>
      async ({ ledger }, positions) => {
        const from = positions.length === 0 ? null : (positions[n % positions.length] ?? null)
        // The records of one end may come in any order.
        return (await readAll(ledger, from)).sort(byText)
      },
  ),
  find: fc.tuple(token, time).map(
    ([ids, now]): Step =>
      async ({ ledger }) =>
        (await ledger.find(ids, now)) === null,
  ),
  prune: time.map(
    (now): Step =>
      async ({ ledger }) =>
        ledger.prune(now, 100),
  ),
  start: fc
    .array(fc.record({ sid: id, sub: id, createdAtMs: time, expiresAtMs: late, endsAtMs: late }), { maxLength: 3 })
    .map(
      (news): Step =>
        ({ sessions }) =>
          sessions.start(news.map((changes) => newSession(changes.sid, changes))),
    ),
  rotate: fc
    .array(
      fc.record({
        sid: id,
        from: rounds,
        token: presented,
        nowMs: time,
        expiresAtMs: late,
        graceMs: rounds,
        heldUp: fc.boolean(),
      }),
      { maxLength: 3 },
    )
    .map(
      (claims): Step =>
        ({ sessions }) =>
          sessions.rotate(claims.map(({ sid, from, ...changes }) => claim(sid, from, changes))),
    ),
  end: fc.array(fc.tuple(selector, time), { maxLength: 3 }).map(
    (orders): Step =>
      async ({ sessions }) => {
        const results = await sessions.end(orders.map(([which, at]) => ({ which, revocation: reasonFor(which, at) })))
        return results.map(({ ended, recorded }) => ({ ended, recorded: [...recorded].sort(byText) }))
      },
  ),
  get: fc.tuple(id, time).map(
    ([sid, now]): Step =>
      ({ sessions }) =>
        sessions.get(sid, now),
  ),
  list: fc.tuple(id, time).map(
    ([sub, now]): Step =>
      ({ sessions }) =>
        sessions.list(sub, { limit: 2 }, now),
  ),
  count: fc.tuple(selector, time).map(
    ([which, now]): Step =>
      ({ sessions }) =>
        sessions.count(which, now),
  ),
  sweep: time.map(
    (now): Step =>
      ({ sessions }) =>
        sessions.sweep(now, 100),
  ),
}
const often = ['start', 'rotate']
const step = fc.oneof(
  ...Object.entries(steps).map(([verb, arbitrary]) => ({ weight: often.includes(verb) ? 3 : 1, arbitrary })),
)

describe('the scripts of the Redis store', () => {
  it('decide as SQL and TypeScript do, whatever is asked in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 80 }), async (steps) => {
        const prefix = `test-${randomUUID()}`
        const database = new Database(':memory:')
        const stores = [redisStore(client, { prefix }), sqliteStore(database)]
        const positions: Position[][] = [[], []]
        for (const [n, take] of steps.entries()) {
          const [redis, sqlite] = await Promise.all(stores.map((store, at) => take(store, positions[at] ?? [])))
          deepEqual(redis, sqlite, `step ${n}`)
        }
        database.close()
        await removeKeys(client, prefix)
      }),
      { numRuns: 300 },
    )
  })
})
