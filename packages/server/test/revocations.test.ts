import type { Ledger, Position, Revocation } from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { eventually } from 'rescind/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { bearer, type FeedApp, type FeedAppOptions, SERVICE_TOKEN, startFeedApp } from './support/feed-app.ts'
import { type FeedReader, readFeed } from './support/feed-reader.ts'
import { directed, lagging } from './support/ledgers.ts'
import { expectProblem } from './support/problems.ts'
import { sendRaw } from './support/raw-http.ts'

const NOW = 1_700_000_000_000
const revocation = (id: string): Revocation => ({ kind: 'token', id, at: NOW, expiresAt: NOW + 60_000 })

async function start(ledger: Ledger, options: FeedAppOptions = {}): Promise<FeedApp> {
  const app = await startFeedApp(ledger, options)
  onTestFinished(() => app.end())
  return app
}

/** Opens a stream that the test's end closes. */
async function open(app: FeedApp, from?: Position): Promise<FeedReader> {
  const ending = new AbortController()
  onTestFinished(() => ending.abort())
  const answer = await app.get('/revocations', from === undefined ? {} : { 'last-event-id': from }, ending.signal)
  expect(answer.status).toBe(200)
  return readFeed(answer, ending)
}

const textUntilCurrent = async (app: FeedApp, headers: Record<string, string> = {}) =>
  (await app.get('/revocations?until=current', headers)).text()

describe('the service token', () => {
  const routes = [
    { method: 'GET', path: '/revocations' },
    { method: 'POST', path: '/revocations/find' },
  ]

  it.each(routes)('is asked for by $method $path', async ({ method, path }) => {
    const app = await start(memoryStore().ledger)
    const ask = (headers: Record<string, string>) => fetch(app.url + path, { method, headers })
    const missing = await ask({})
    expect(missing.headers.get('www-authenticate')).toBe('Bearer')
    await expectProblem(missing, 'token_missing')
    for (const wrong of ['x', `${SERVICE_TOKEN}x`, SERVICE_TOKEN.slice(1), SERVICE_TOKEN.toUpperCase()]) {
      await expectProblem(await ask(bearer(wrong)), 'token_invalid')
    }
    await expectProblem(await ask({ authorization: `Bearer ${SERVICE_TOKEN} x` }), 'token_malformed')
    await expectProblem(await ask({ authorization: `Basic ${SERVICE_TOKEN}` }), 'invalid_credentials')
    expect(app.log()).not.toContain(SERVICE_TOKEN)
    expect(app.log()).toContain(path)
  })

  it('may be one of two', async () => {
    const [older, newer] = ['o'.repeat(32), 'n'.repeat(32)]
    const app = await start(memoryStore().ledger, { serviceTokens: [older, newer] })
    const statusFor = async (token: string) =>
      (await fetch(`${app.url}/revocations?until=current`, { headers: bearer(token) })).status
    expect(await Promise.all([older, newer, SERVICE_TOKEN].map(statusFor))).toEqual([200, 200, 401])
  })

  it('is refused beside another one', async () => {
    const app = await start(memoryStore().ledger)
    const head = `GET /revocations?until=current HTTP/1.1\r\nHost: x\r\nConnection: close\r\n`
    const both = `Authorization: Bearer ${SERVICE_TOKEN}\r\nAuthorization: Bearer x\r\n\r\n`
    expect(await sendRaw(app.port, head + both)).toContain('token_malformed')
  })
})

describe('the feed', () => {
  it('shows every record as it is documented', async () => {
    const { ledger } = memoryStore()
    const position = await ledger.append([
      { kind: 'token', id: 't', at: NOW, expiresAt: NOW + 1, by: 'me', reason: 'a\nreason' },
      { kind: 'session', id: 'sé🙂', at: NOW, expiresAt: NOW + 2 },
      { kind: 'subject', id: 'u', before: NOW - 1, except: 's', at: NOW, expiresAt: NOW + 3 },
      { kind: 'everything', before: NOW - 2, at: NOW, expiresAt: NOW + 4 },
    ])
    const answer = await (await start(ledger)).get('/revocations?until=current')
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    })
    const text = await answer.text()
    expect(text.replace(/\d+}\n\n$/, '…')).toBe(
      [
        `event: open\ndata: {"generation":"${await ledger.generation()}"}\n\n`,
        `event: revocations\nid: ${position}\ndata: [`,
        `{"kind":"token","id":"t","expires_at":${NOW + 1},"at":${NOW},"by":"me","reason":"a\\nreason"},`,
        `{"kind":"session","id":"sé🙂","expires_at":${NOW + 2},"at":${NOW}},`,
        `{"kind":"subject","id":"u","before":${NOW - 1},"except":"s","expires_at":${NOW + 3},"at":${NOW}},`,
        `{"kind":"everything","before":${NOW - 2},"expires_at":${NOW + 4},"at":${NOW}}]\n\n`,
        'event: current\ndata: {"asked_after_ms":…',
      ].join(''),
    )
  })

  it('goes on after any place, with all that came later and nothing else', async () => {
    const { ledger } = memoryStore()
    const positions: Position[] = []
    for (let n = 0; n < 20; n += 1) positions.push(await ledger.append([revocation(`t${n}`)]))
    const app = await start(ledger)
    for (const [n, position] of positions.entries()) {
      const text = await textUntilCurrent(app, { 'last-event-id': position })
      expect([...text.matchAll(/"id":"(t\d+)"/g)].map(([, id]) => id)).toEqual(
        positions.slice(n + 1).map((_, later) => `t${n + 1 + later}`),
      )
    }
    // An empty id stands for none, as in a browser's EventSource.
    expect(await textUntilCurrent(app, { 'last-event-id': '' })).toContain('"t0"')
  })

  it('splits a long page, and gives a place only to its last part', async () => {
    const { ledger } = memoryStore()
    const position = await ledger.append(Array.from({ length: 1_201 }, (_, n) => revocation(`t${n}`)))
    const long = 'x'.repeat(500)
    await ledger.append(Array.from({ length: 600 }, (_, n) => ({ ...revocation(`long-${n}`), by: long, reason: long })))
    const reader = readFeed(await (await start(ledger)).get('/revocations?until=current'))
    await eventually(() => reader.state === 'ended')
    const pages = reader.events.filter(({ name }) => name === 'revocations')
    expect(reader.ids).toHaveLength(1_801)
    expect(new Set(reader.ids).size).toBe(1_801)
    expect(pages.slice(0, -1).every(({ id }) => id === undefined)).toBe(true)
    expect(pages.at(-1)?.id).not.toBe(position)
    for (const { data } of pages) {
      expect((data as unknown[]).length).toBeLessThanOrEqual(500)
      expect(JSON.stringify(data).length).toBeLessThan(270_000)
    }
  })

  it('refuses a place in another history, and what it does not know', async () => {
    const app = await start(memoryStore().ledger)
    for (const place of ['nonsense', '00000000-0000-4000-8000-000000000000:1']) {
      await expectProblem(await app.get('/revocations', { 'last-event-id': place }), 'history_lost')
    }
    await expectProblem(await app.get('/revocations?until=tomorrow'), 'invalid_request')
    await expectProblem(await app.get('/revocations?until=current&until=current'), 'invalid_request')
    const headers = bearer(SERVICE_TOKEN)
    expect((await fetch(`${app.url}/revocations`, { method: 'HEAD', headers })).status).toBe(405)
    expect((await fetch(`${app.url}/revocations`, { method: 'DELETE', headers })).headers.get('allow')).toBe('GET')
  })

  it('brings what is new, and proves again and again that nothing is missing', async () => {
    const store = memoryStore()
    const { ledger, prove } = directed(store.ledger)
    const app = await start(ledger)
    const reader = await open(app)
    await eventually(() => reader.currents === 1)
    await ledger.append([revocation('new')])
    await eventually(() => reader.ids.includes('new'))
    prove()
    await eventually(() => reader.currents === 2)
    prove()
    await eventually(() => reader.currents === 3)
    const proofs = reader.events.flatMap(({ data }) => (data as { asked_after_ms?: number }).asked_after_ms ?? [])
    expect(proofs).toEqual([...proofs].sort((a, b) => a - b))
  })

  it('costs the ledger one follower, however many there are, and none when there is none', async () => {
    const { ledger, following } = directed(memoryStore().ledger)
    const app = await start(ledger)
    const readers = await Promise.all(Array.from({ length: 20 }, () => open(app)))
    await eventually(() => readers.every(({ currents }) => currents > 0))
    expect(following()).toBe(1)
    await ledger.append([revocation('for all')])
    await eventually(() => readers.every(({ ids }) => ids.includes('for all')))
    for (const reader of readers) reader.stop()
    await eventually(() => following() === 0)
    // Nor did it come to an end by silence, to begin again.
    expect(app.log()).not.toContain('cannot be followed')
    const later = await open(app)
    await ledger.append([revocation('for the next')])
    await eventually(() => later.ids.includes('for the next'))
    expect(following()).toBe(1)
  })
})

describe('followers that come while others write', () => {
  it('all end with every record, at whatever moment they came', async () => {
    const { ledger } = memoryStore()
    const app = await start(lagging(ledger, 8))
    const written: { id: string; position: Position }[] = []
    const write = async (id: string) => written.push({ id, position: await ledger.append([revocation(id)]) })
    const opening: Promise<{ reader: FeedReader; since: number }>[] = []
    const openAfter = async (since: number) => ({ since, reader: await open(app, written[since - 1]?.position) })
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let n = 0; n < 50; n += 1) {
        await write(`w${writer}-${n}`)
        // Half of them are new, half come back with a place.
        if (n % 10 === writer) opening.push(openAfter(n % 2 === 0 ? 0 : Math.max(0, written.length - 5)))
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 8))
      }
    })
    await Promise.all(writers)
    const followers = await Promise.all(opening)
    await write('last')
    expect([followers.length, written.length]).toEqual([40, 401])
    for (const { reader, since } of followers) {
      await eventually(() => reader.ids.includes('last'), 15_000)
      const received = new Set(reader.ids)
      expect(written.slice(since).filter(({ id }) => !received.has(id))).toEqual([])
    }
  })
})

describe('two streams that read the ledger at once', () => {
  it('miss nothing that one of them was shown and the other was not', async () => {
    const { ledger } = memoryStore()
    let answerFirst = () => {}
    const held: Promise<void>[] = [
      new Promise((resolve) => {
        answerFirst = resolve
      }),
    ]
    const app = await start({
      ...ledger,
      async *read(from) {
        for await (const page of ledger.read(from)) {
          // The answer was made before, and arrives after, what the other stream does.
          await held.pop()
          yield page
        }
      },
    })
    const slower = open(app)
    await eventually(() => held.length === 0)
    await ledger.append([revocation('between')])
    const faster = await open(app)
    await eventually(() => faster.currents > 0)
    answerFirst()
    const { ids } = await slower
    await eventually(() => ids.includes('between'))
  })
})

describe('a ledger in trouble', () => {
  it('refuses new streams and questions with 503', async () => {
    const broken = async () => {
      throw new Error('connection to postgres://user:hunter2@db refused')
    }
    const { ledger } = memoryStore()
    const app = await start({
      ...ledger,
      find: broken,
      async *read() {
        yield await broken()
      },
    })
    await expectProblem(await app.get(), 'revocation_unavailable')
    const question = { method: 'POST', headers: { ...bearer(SERVICE_TOKEN), 'content-type': 'application/json' } }
    const answer = await fetch(`${app.url}/revocations/find`, { ...question, body: '{"iat_ms":1}' })
    expect((await expectProblem(answer, 'revocation_unavailable')).detail).not.toContain('hunter2')
  })

  it('is read again once it answers, however many reads have got no answer', async () => {
    const { ledger } = memoryStore()
    let hangs = true
    const app = await start({
      ...ledger,
      async *read(from) {
        if (hangs) await new Promise(() => {})
        yield* ledger.read(from)
      },
    })
    const asked = Array.from({ length: 20 }, () => app.get('/revocations?until=current'))
    await expectProblem(await Promise.race(asked), 'revocation_unavailable')
    hangs = false
    expect((await app.get('/revocations?until=current')).status).toBe(200)
    await Promise.all(asked)
  })

  it('keeps streams open without a proof, and brings what was missed once it is back', async () => {
    const { ledger, prove, breakDown, following } = directed(memoryStore().ledger)
    const app = await start(ledger)
    const reader = await open(app)
    await eventually(() => following() === 1)
    await ledger.append([revocation('before')])
    prove()
    await eventually(() => reader.currents === 2)
    breakDown(true)
    // By then many a heartbeat has passed.
    await eventually(() => app.log().split('cannot be followed').length > 4)
    expect(reader.currents).toBe(2)
    await ledger.append([revocation('missed')])
    breakDown(false)
    await eventually(() => reader.ids.includes('missed'))
    expect(reader.ids).toEqual(['before', 'missed'])
    prove()
    await eventually(() => reader.currents > 2)
    expect(reader.state).toBe('open')
  })

  it('ends all streams when history is lost', async () => {
    const [before, after] = [memoryStore().ledger, memoryStore().ledger]
    const { ledger, breakDown, replaceBy } = directed(before)
    const app = await start(ledger)
    const readers = [await open(app), await open(app)]
    await eventually(() => readers.every(({ currents }) => currents === 1))
    replaceBy(after)
    breakDown(true)
    breakDown(false)
    await eventually(() => readers.every(({ state }) => state === 'ended'))
    const place = readers[0]?.events.find(({ id }) => id !== undefined)?.id ?? ''
    await expectProblem(await app.get('/revocations', { 'last-event-id': place }), 'history_lost')
    await after.append([revocation('in the new history')])
    expect(await textUntilCurrent(app)).toContain('in the new history')
  })
})

describe('streams are bounded', () => {
  it('in number: one more is refused, until a place is free', async () => {
    const app = await start(memoryStore().ledger, { maxStreams: 2 })
    const [first] = [await open(app), await open(app)]
    await expectProblem(await app.get(), 'overloaded')
    first?.stop()
    await eventually(async () => (await app.get('/revocations?until=current')).status === 200)
  })

  it('in number, also when a client goes before it was answered', async () => {
    const { ledger } = memoryStore()
    let isFirst = true
    const app = await start(
      {
        ...ledger,
        async *read(from) {
          if (isFirst) {
            isFirst = false
            await new Promise(() => {})
          }
          yield* ledger.read(from)
        },
      },
      { maxStreams: 1 },
    )
    const impatient = new AbortController()
    const asked = app.get('/revocations', {}, impatient.signal).catch(() => 'gone')
    await eventually(async () => (await app.get('/revocations?until=current')).status === 503)
    expect(isFirst).toBe(false)
    impatient.abort()
    expect(await asked).toBe('gone')
    await eventually(async () => (await app.get('/revocations?until=current')).status === 200)
  })

  it('in time: a client that takes nothing is cut off, and the others are not', async () => {
    const { ledger } = memoryStore()
    const app = await start(ledger, { stallTimeoutMs: 300 })
    const slow = await app.openWithoutReading()
    const reader = await open(app)
    let written = 0
    for (; !slow.isCut(); written += 1) {
      await ledger.append(
        Array.from({ length: 100 }, (_, n) => ({ ...revocation(`${written}-${n}`), by: 'x'.repeat(500) })),
      )
      await new Promise((resolve) => setTimeout(resolve, 2))
      if (written > 5_000) throw new Error('never cut off')
    }
    await eventually(() => reader.ids.includes(`${written - 1}-99`))
    expect(new Set(reader.ids).size).toBe(written * 100)
    expect(reader.state).toBe('open')
  })

  it('in memory: a client that lags is sent from the ledger what was not kept for it', async () => {
    const { ledger } = memoryStore()
    let reads = 0
    const counted: Ledger = {
      ...ledger,
      read(from) {
        reads += 1
        return ledger.read(from)
      },
    }
    const app = await start(counted)
    const answer = await app.get()
    const by = 'x'.repeat(1_000)
    // More than sockets and queue hold together, before the first byte is taken.
    for (let n = 0; n < 400; n += 1) {
      await ledger.append(Array.from({ length: 100 }, (_, at) => ({ ...revocation(`${n}-${at}`), by })))
      await new Promise(setImmediate)
    }
    const reader = readFeed(answer)
    await eventually(() => reader.ids.includes('399-99'), 15_000)
    expect(new Set(reader.ids).size).toBe(40_000)
    expect(reads).toBeGreaterThan(1)
  })
})

describe('a service that stops', () => {
  it('ends its streams cleanly, and does not wait for them', async () => {
    const { ledger } = memoryStore()
    const app = await startFeedApp(ledger)
    const readers = await Promise.all(Array.from({ length: 5 }, () => open(app)))
    const stuck = await app.openWithoutReading()
    await eventually(() => readers.every(({ currents }) => currents > 0))
    await ledger.append([revocation('the last')])
    await eventually(() => readers.every(({ ids }) => ids.includes('the last')))
    await app.close()
    await eventually(() => readers.every(({ state }) => state === 'ended'))
    await eventually(() => stuck.isCut())
  })
})

describe('a question about one token', () => {
  const ask = async (app: FeedApp, body: unknown) =>
    fetch(`${app.url}/revocations/find`, {
      method: 'POST',
      headers: { ...bearer(SERVICE_TOKEN), 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })

  it('is answered from the ledger', async () => {
    const { ledger } = memoryStore()
    await ledger.append([{ kind: 'subject', id: 'u', before: NOW, except: 's1', at: NOW, expiresAt: NOW + 60_000 }])
    const app = await start(ledger)
    const found = async (body: unknown) => {
      const answer = await ask(app, body)
      expect(answer.status).toBe(200)
      return ((await answer.json()) as { revocation: unknown }).revocation
    }
    const record = { kind: 'subject', id: 'u', before: NOW, except: 's1', expires_at: NOW + 60_000, at: NOW }
    expect(await found({ sub: 'u', iat_ms: NOW, now_ms: NOW })).toEqual(record)
    expect(await found({ sub: 'u', jti: 'j', sid: 's2', iat_ms: NOW - 0.5, now_ms: NOW })).toEqual(record)
    expect(await found({ sub: 'u', sid: 's1', iat_ms: NOW, now_ms: NOW })).toBeNull()
    expect(await found({ sub: 'u', iat_ms: NOW + 1, now_ms: NOW })).toBeNull()
    // By the service's clock it has long expired.
    expect(await found({ sub: 'u', iat_ms: NOW })).toBeNull()
    expect(await found({ iat_ms: NOW, now_ms: NOW })).toBeNull()
  })

  it.each([{}, { iat_ms: '1' }, { iat_ms: 1, jti: 7 }, { iat_ms: 1, kind: 'token' }, [[]], { iat_ms: null }])(
    'is refused as %j',
    async (body) => {
      await expectProblem(await ask(await start(memoryStore().ledger), body), 'invalid_request')
    },
  )
})
