import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import type { TokenIds } from '../base/types.ts'
import type { FeedSink, Ledger, Position } from '../revocation/ledger.ts'
import { kills, type Revocation } from '../revocation/revocation.ts'
import type { DefineTest } from './open-store.ts'
import { eventually } from './runner.ts'

const NOW = 1_700_000_000_000
const LATER = NOW + 60_000
const AFTER_IT_ALL = NOW + 3_600_000

/** A `token` revocation with everything filled in. */
function tokenRevocation(id: string, expiresAt = LATER): Revocation {
  return { kind: 'token', id, at: NOW, expiresAt, by: 'tester', reason: 'a test' }
}

/** Every live record, page by page. */
export async function readAll(ledger: Ledger, from: Position | null = null): Promise<Revocation[]> {
  const records: Revocation[] = []
  for await (const page of ledger.read(from)) records.push(...page.records)
  return records
}

/** Defines the ledger's tests. */
export function describeLedger(test: DefineTest): void {
  const all: Revocation[] = [
    tokenRevocation('t1'),
    { kind: 'session', id: 's1', at: NOW, expiresAt: LATER },
    { kind: 'subject', id: 'u1', before: NOW, at: NOW, expiresAt: LATER },
    { kind: 'subject', id: 'u2', before: NOW, except: 's9', at: NOW, expiresAt: LATER, reason: 'password change' },
    { kind: 'everything', before: NOW - 1_000_000, at: NOW, expiresAt: LATER },
  ]

  test('reads back what was appended, whole and in order', async ({ store }) => {
    await store.ledger.append(all)
    deepEqual(await readAll(store.ledger), all)
  })

  test('an empty ledger yields a position to follow from', async ({ store: { ledger } }) => {
    let position: Position | null = null
    for await (const page of ledger.read(null)) position = page.position
    ok(position !== null)
    await ledger.append([tokenRevocation('later')])
    deepEqual(await readAll(ledger, position), [tokenRevocation('later')])
  })

  test('goes on from any position that append answered', async ({ store: { ledger } }) => {
    const positions: Position[] = []
    for (let n = 0; n < 20; n += 1) positions.push(await ledger.append([tokenRevocation(`t${n}`)]))
    for (const [n, position] of positions.entries()) equal((await readAll(ledger, position)).length, 19 - n)
  })

  test('pages a long replay without loss', async ({ store: { ledger } }) => {
    const many = Array.from({ length: 2_500 }, (_, n) => tokenRevocation(`bulk-${n}`))
    await ledger.append(many)
    deepEqual(await readAll(ledger), many)
  })

  test('recording the same again changes nothing', async ({ store: { ledger } }) => {
    const first = await ledger.append(all)
    const second = await ledger.append(all)
    equal(second, first)
    equal((await readAll(ledger)).length, all.length)
  })

  test('a later expiry of the same revocation reaches followers', async ({ store: { ledger } }) => {
    const position = await ledger.append([tokenRevocation('t1', LATER)])
    await ledger.append([tokenRevocation('t1', LATER + 5)])
    deepEqual(await readAll(ledger, position), [tokenRevocation('t1', LATER + 5)])
  })

  test('find answers as the definition of each kind says', async ({ store: { ledger } }) => {
    await ledger.append(all)
    const ids: (string | undefined)[] = [undefined, 't1', 's1', 's9', 'u1', 'u2', '', "' OR 1=1 --"]
    for (const jti of ids) {
      for (const sid of ids) {
        for (const sub of ids) {
          for (const iatMs of [NOW - 2_000_000, NOW - 1_000_000, NOW - 1, NOW, NOW + 1]) {
            const token: TokenIds = { jti, sid, sub, iatMs }
            const found = await ledger.find(token, NOW)
            const expected = all.some((record) => kills(record, token))
            equal(found !== null, expected, JSON.stringify(token))
            if (found !== null) ok(kills(found, token))
          }
        }
      }
    }
  })

  test('find does not answer with what has expired', async ({ store: { ledger } }) => {
    await ledger.append([tokenRevocation('t1', LATER)])
    const token: TokenIds = { jti: 't1', sid: undefined, sub: undefined, iatMs: NOW }
    ok((await ledger.find(token, LATER - 1)) !== null)
    equal(await ledger.find(token, LATER), null)
  })

  test('prune forgets the expired, no others, and no more than asked', async ({ store: { ledger } }) => {
    await ledger.append([tokenRevocation('a', NOW + 1), tokenRevocation('b', NOW + 2), tokenRevocation('c', LATER)])
    equal(await ledger.prune(NOW, 10), 0)
    equal(await ledger.prune(NOW + 2, 1), 1)
    equal(await ledger.prune(NOW + 2, 10), 1)
    deepEqual(await readAll(ledger), [tokenRevocation('c', LATER)])
    equal(await ledger.prune(AFTER_IT_ALL, 10), 1)
    deepEqual(await readAll(ledger), [])
  })

  test('a follower misses nothing across pruning', async ({ store: { ledger } }) => {
    const position = await ledger.append([tokenRevocation('old', NOW + 1)])
    await ledger.prune(NOW + 1, 10)
    await ledger.append([tokenRevocation('new')])
    deepEqual(await readAll(ledger, position), [tokenRevocation('new')])
  })

  test('a follower attached at any moment ends with every record, each once', async ({ store: { ledger } }) => {
    const followers: { ids: string[]; stop: () => Promise<void> }[] = []
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let n = 0; n < 50; n += 1) {
        await ledger.append([tokenRevocation(`w${writer}-${n}`)])
        if (n % 10 === writer) followers.push(follow(ledger))
      }
    })
    await Promise.all(writers)
    try {
      for (const follower of followers) {
        await eventually(() => follower.ids.length >= 400)
        equal(new Set(follower.ids).size, 400)
        equal(follower.ids.length, 400)
      }
      equal(followers.length, 40)
    } finally {
      await Promise.all(followers.map((follower) => follower.stop()))
    }
  })

  test('follow ends when its signal aborts, and proves that it is current until then', async ({
    store: { ledger },
  }) => {
    const ending = new AbortController()
    const proofs: number[] = []
    const startedAt = performance.now()
    const sink: FeedSink = {
      records: () => {},
      now: () => performance.now(),
      current: (askedAt) => proofs.push(askedAt),
    }
    const following = ledger.follow(await lastPosition(ledger), sink, ending.signal)
    await eventually(() => proofs.length > 0)
    ok(proofs.every((proof) => proof >= startedAt && proof <= performance.now()))
    ending.abort()
    await following
  })

  test('a place in another history is refused', async ({ store: { ledger } }) => {
    await ledger.append(all)
    const foreign = ['', 'nonsense', `${'f'.repeat(36)}:1`, '00000000-0000-4000-8000-000000000000:0-1']
    for (const position of foreign) {
      await rejects(readAll(ledger, position), { code: 'history_lost' }, position)
      const sink: FeedSink = { records: () => {}, now: () => performance.now(), current: () => {} }
      await rejects(ledger.follow(position, sink, new AbortController().signal), { code: 'history_lost' }, position)
    }
  })

  test('a big batch is recorded whole', async ({ store: { ledger } }) => {
    const many = Array.from({ length: 512 }, (_, n) => tokenRevocation(`batch-${n}`))
    const position = await ledger.append(many)
    deepEqual(await readAll(ledger), many)
    deepEqual(await readAll(ledger, position), [])
  })

  test('ids of every script and length come back as they were', async ({ store: { ledger } }) => {
    const ids = ['a b', "o'hara", '日本語', '🙂', 'x'.repeat(512), '{curly}', '%00', 'a:b:c', '\\', '"quoted"', '-']
    const odd = ids.map((id) => tokenRevocation(id))
    await ledger.append(odd)
    deepEqual(await readAll(ledger), odd)
    for (const id of ids) {
      const found = await ledger.find({ jti: id, sid: undefined, sub: undefined, iatMs: NOW }, NOW)
      deepEqual(found, tokenRevocation(id))
    }
  })

  test('the generation stays while history does', async ({ store, reopen }) => {
    const generation = await store.ledger.generation()
    ok(generation.length >= 16)
    await store.ledger.append(all)
    equal(await store.ledger.generation(), generation)
    if (reopen === undefined) return
    const again = await reopen()
    equal(await again.ledger.generation(), generation)
    deepEqual(await readAll(again.ledger), all)
    await again.close()
  })

  test('another opening of the same data is followed', async ({ store, reopen }) => {
    if (reopen === undefined) return
    const again = await reopen()
    const follower = follow(again.ledger)
    await store.ledger.append([tokenRevocation('seen elsewhere')])
    await eventually(() => follower.ids.includes('seen elsewhere'))
    await follower.stop()
    await again.close()
  })
}

async function lastPosition(ledger: Ledger): Promise<Position> {
  let position: Position = ''
  for await (const page of ledger.read(null)) position = page.position
  return position
}

function follow(ledger: Ledger): { ids: string[]; stop: () => Promise<void> } {
  const ids: string[] = []
  const ending = new AbortController()
  const collect = (records: readonly Revocation[]) => {
    for (const record of records) if (record.kind !== 'everything') ids.push(record.id)
  }
  const following = (async () => {
    let position: Position = ''
    for await (const page of ledger.read(null)) {
      collect(page.records)
      position = page.position
    }
    const sink: FeedSink = { records: (page) => collect(page.records), now: () => performance.now(), current: () => {} }
    await ledger.follow(position, sink, ending.signal)
  })()
  return {
    ids,
    async stop() {
      ending.abort()
      await following
    },
  }
}
