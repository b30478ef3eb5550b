import { deepEqual, equal, ok, rejects, throws } from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Revocation } from 'rescind'
import { redisStore } from 'rescind/stores/redis'
import { describeStore, eventually } from 'rescind/testing'
import { afterAll, afterEach, beforeEach, describe, it } from 'vitest'
import { redisForTests } from '../../../../tools/servers/redis.mjs'
import {
  claim,
  LATER,
  lastPosition,
  NOW,
  newSession,
  readAll,
  sessionRevocation,
  tokenRevocation,
} from './ledger-samples.ts'
import { connectTo, followFrom, removeKeys } from './redis-helpers.ts'

const server = await redisForTests()
afterAll(() => server.dispose())

describeStore(
  { describe, it },
  {
    name: 'Redis',
    async open() {
      const prefix = `test-${randomUUID()}`
      const first = await connectTo(server.url)
      const clients = [first]
      return {
        store: redisStore(first, { prefix }),
        // The older protocol answers the same questions in other forms.
        async reopen() {
          const client = await connectTo(server.url, { RESP: 2 })
          clients.push(client)
          return redisStore(client, { prefix })
        },
        async dispose() {
          await removeKeys(first, prefix)
          for (const client of clients) client.destroy()
        },
      }
    },
  },
)

describe('redisStore', () => {
  let prefix: string
  let clients: Awaited<ReturnType<typeof connectTo>>[]

  /** The same data, as another process opens it. */
  const open = async () => {
    const client = await connectTo(server.url)
    clients.push(client)
    return { client, ...redisStore(client, { prefix }) }
  }
  beforeEach(() => {
    prefix = `test-${randomUUID()}`
    clients = []
  })
  afterEach(async () => {
    const client = await connectTo(server.url)
    await removeKeys(client, prefix)
    for (const each of [client, ...clients]) each.destroy()
  })

  it('gives followers attached at any moment every record of 8 writers once, in one order', async () => {
    const writers = await Promise.all(Array.from({ length: 8 }, open))
    const { ledger } = await open()
    const followers: { before: Revocation[]; rest: ReturnType<typeof followFrom> }[] = []
    const attach = async () => {
      const before: Revocation[] = []
      let position = ''
      for await (const page of ledger.read(null)) {
        before.push(...page.records)
        position = page.position
      }
      followers.push({ before, rest: followFrom(ledger, position) })
    }
    const attachments: Promise<void>[] = []
    await Promise.all(
      writers.map(async (writer, w) => {
        for (let n = 0; n < 1_000; n += 1) {
          await writer.ledger.append([tokenRevocation(`${w}-${n}`)])
          if (Math.random() < 0.002) attachments.push(attach())
        }
      }),
    )
    attachments.push(attach())
    await Promise.all(attachments)
    const truth = await readAll(ledger)
    equal(truth.length, 8_000)
    for (const { before, rest } of followers) {
      await eventually(() => before.length + rest.records.length >= 8_000)
      deepEqual([...before, ...rest.records], truth)
      await rest.stop()
    }
  })

  it('names one winner of 50 rotations at once over several connections', async () => {
    const stores = await Promise.all(Array.from({ length: 5 }, open))
    await stores[0]?.sessions.start([newSession('s')])
    const claims = Array.from({ length: 50 }, (_, n) => claim('s', 0, { nowMs: NOW + 1 + n }))
    const answers = (
      await Promise.all(claims.map((each, n) => stores[n % 5]?.sessions.rotate([each]) ?? Promise.resolve([])))
    ).flat()
    const issued = answers.map((answer) => ('issuedAtMs' in answer ? answer.issuedAtMs : null))
    equal(answers.filter(({ outcome }) => outcome === 'rotated').length, 1)
    equal(answers.filter(({ outcome }) => outcome === 'replayed').length, 49)
    equal(new Set(issued).size, 1)
  })

  it('lets one of 50 ends at once over several connections end the session', async () => {
    const stores = await Promise.all(Array.from({ length: 5 }, open))
    const { ledger, sessions } = await open()
    await sessions.start([newSession('s')])
    const order = { which: { sid: 's' }, revocation: sessionRevocation('s') }
    const answers = (
      await Promise.all(
        Array.from({ length: 50 }, (_, n) => stores[n % 5]?.sessions.end([order]) ?? Promise.resolve([])),
      )
    ).flat()
    equal(
      answers.reduce((sum, { ended }) => sum + ended, 0),
      1,
    )
    deepEqual(await readAll(ledger), [sessionRevocation('s')])
  })

  it('leaves no live successor in 1,000 rounds of logout racing refresh', async () => {
    const [refreshing, leaving] = await Promise.all([open(), open()])
    const outcomes = new Set<string>()
    for (let batch = 0; batch < 20; batch += 1) {
      const sids = Array.from({ length: 50 }, (_, n) => `${batch}-${n}`)
      await refreshing.sessions.start(sids.map((sid) => newSession(sid)))
      await Promise.all(
        sids.flatMap((sid, n) => {
          const rotate = async () => {
            const [answer] = await refreshing.sessions.rotate([claim(sid, 0)])
            outcomes.add(answer?.outcome ?? 'none')
          }
          const end = () => leaving.sessions.end([{ which: { sid }, revocation: sessionRevocation(sid) }])
          return n % 2 === 0 ? [rotate(), end()] : [end(), rotate()]
        }),
      )
      const after = await refreshing.sessions.rotate(sids.flatMap((sid) => [claim(sid, 0), claim(sid, 1)]))
      deepEqual(new Set(after.map(({ outcome }) => outcome)), new Set(['ended']))
    }
    // Both orders happened, or the race proved nothing.
    deepEqual(outcomes, new Set(['rotated', 'ended']))
  })

  it('keeps every key in the slot of its hash tag, and nothing for ever that belongs to one token or session', async () => {
    const { client, ledger, sessions } = await open()
    const facts = { at: NOW, expiresAt: LATER }
    await ledger.append([
      tokenRevocation('{other}'),
      { kind: 'subject', id: 'u{1}', before: NOW, ...facts },
      { kind: 'everything', before: NOW - 99_000, ...facts },
    ])
    await sessions.start([newSession('s{1}'), newSession('s2'), newSession('s3', { sub: 'u{2}' })])
    await sessions.rotate([claim('s2', 0)])
    await sessions.end([{ which: { sid: 's{1}' }, revocation: sessionRevocation('s{1}') }])
    const keys = await client.keys(`*${prefix}*`)
    ok(keys.length >= 12, `${keys}`)
    ok(
      keys.every((key) => key.startsWith(`{${prefix}}:`)),
      `${keys}`,
    )
    const expiring = await Promise.all(keys.map(async (key) => [key, await client.pTTL(key)] as const))
    const lasting = expiring.filter(([, ms]) => ms < 0).map(([key]) => key.slice(prefix.length + 3))
    deepEqual(lasting.sort(), ['due', 'expiry', 'feed', 'history', 'live'])
    equal(await ledger.prune(LATER, 100), 4)
    equal(await sessions.sweep(LATER, 100), 3)
    deepEqual((await client.keys(`*${prefix}:login*`)).length, 0)
    const left = (await client.keys(`*${prefix}*`)).map((key) => key.slice(prefix.length + 3))
    deepEqual(left.sort(), ['feed', 'history', 's:s{1}', 't:{other}'])
    equal(await client.xLen(`{${prefix}}:feed`), 0)
  })

  it('keeps what finds a record for longer than the record, whichever clock is right', async () => {
    const { client, ledger } = await open()
    const life = 60_000
    const now = Date.now()
    const from = { past: NOW, present: now, future: now + 3_600_000 }
    for (const [id, at] of Object.entries(from)) {
      await ledger.append([{ kind: 'token', id, at, expiresAt: at + life }])
      const keptUntil = now + (await client.pTTL(`{${prefix}}:t:${id}`))
      ok(keptUntil > Math.max(now, at) + life, id)
    }
  })

  it('records a revocation again where its entry is gone', async () => {
    const { client, ledger } = await open()
    await ledger.append([tokenRevocation('t'), { kind: 'subject', id: 'u', before: NOW, at: NOW, expiresAt: LATER }])
    const everything = await readAll(ledger)
    await client.del(`{${prefix}}:feed`)
    await ledger.append(everything)
    deepEqual(await readAll(ledger), everything)
  })

  it('gives no entry of a new feed the name of an entry that was lost', async () => {
    const { client, ledger } = await open()
    // As a server leaves it whose clock was ahead: what is written within one tick of the clock must not collide either.
    await client.xAdd(`{${prefix}}:feed`, '9000000000000-0', { r: 'ahead' })
    await client.xDel(`{${prefix}}:feed`, '9000000000000-0')
    await ledger.append([{ kind: 'subject', id: 'u', before: NOW, at: NOW, expiresAt: LATER }])
    await client.del(`{${prefix}}:feed`)
    await ledger.append([tokenRevocation('t')])
    const entries = await client.xRange(`{${prefix}}:feed`, '-', '+')
    equal(entries?.[0]?.id, '9000000000000-2')
  })

  it('tells cut-offs apart by whom they spare, and keeps the later expiry of each', async () => {
    const { ledger } = await open()
    const cutoff = { kind: 'subject', id: 'u', before: NOW, at: NOW } as const
    const records: Revocation[] = [
      { ...cutoff, except: 'mine', expiresAt: LATER },
      { ...cutoff, except: 'yours', expiresAt: LATER },
      { ...cutoff, except: 'mine', expiresAt: LATER + 1 },
      { ...cutoff, except: 'yours', expiresAt: LATER - 1 },
    ]
    for (const record of records) await ledger.append([record])
    deepEqual(await readAll(ledger), [records[1], records[2]])
    for (const sid of ['mine', 'yours']) {
      const found = await ledger.find({ jti: undefined, sid, sub: 'u', iatMs: NOW }, NOW)
      ok(found?.kind === 'subject' && found.except !== sid)
    }
    equal(await ledger.find({ jti: undefined, sid: 'mine', sub: 'u', iatMs: NOW }, LATER), null)
  })

  it('records the sessions of a subject by ids of every script', async () => {
    const { ledger, sessions } = await open()
    const sids = ['"', '\\', 'a/b', '日本語', '🙂', '\u0001', '{x}', "'", '%s', 'a\nb']
    await sessions.start(sids.map((sid) => newSession(sid)))
    const revocation = {
      kind: 'subject',
      id: 'alice',
      before: NOW,
      at: NOW,
      expiresAt: LATER,
      by: '"',
      reason: '/',
    } as const
    const [result] = await sessions.end([{ which: { sub: 'alice' }, revocation }])
    equal(result?.ended, sids.length)
    const recorded = await readAll(ledger)
    deepEqual(recorded, result?.recorded)
    const { before: _, ...facts } = revocation
    deepEqual(new Set(recorded.slice(1)), new Set(sids.map((id) => ({ ...facts, kind: 'session', id }))))
  })

  it('fails at once while it is not connected, and closes what it opened', async () => {
    const { client, ledger, close } = await open()
    const follower = followFrom(ledger, await lastPosition(ledger))
    await eventually(() => follower.proofs > 0)
    await close()
    await eventually(() => follower.over)
    ok(follower.error instanceof Error)
    client.destroy()
    await rejects(ledger.append([tokenRevocation('t')]), /not connected/)
  })

  it('cannot join a transaction, nor take a batch that would hold Redis up', async () => {
    const { ledger, sessions } = await open()
    await rejects(ledger.append([], {}), { code: 'invalid_config' })
    await rejects(sessions.end([], {}), { code: 'invalid_config' })
    const many = Array.from({ length: 10_001 }, (_, n) => tokenRevocation(`${n}`))
    await rejects(ledger.append(many), { code: 'invalid_config' })
    deepEqual(await readAll(ledger), [])
  })

  it('refuses options that mean nothing', async () => {
    const { client } = await open()
    for (const prefix of ['', 'a b', '{', '{}', '}{', '{a}{b}', 'x'.repeat(129)]) {
      throws(() => redisStore(client, { prefix }), { code: 'invalid_config' }, prefix)
    }
    throws(() => redisStore(client, { commandTimeoutMs: 0 }), { code: 'invalid_config' })
    throws(() => redisStore(client, { waitReplicas: { count: 0 } }), { code: 'invalid_config' })
    throws(() => redisStore(client, { waitAof: { timeoutMs: 0 } }), { code: 'invalid_config' })
    await redisStore(client, { prefix: `{${prefix}}:auth` }).ledger.append([tokenRevocation('t')])
    deepEqual(await client.keys(`*${prefix}*:t:*`), [`{${prefix}}:auth:t:t`])
  })
})
