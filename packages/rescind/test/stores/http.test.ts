import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FeedSink, Page, Store } from 'rescind'
import { type HttpConnectionOptions, type HttpStoreOptions, httpStore } from 'rescind/stores/http'
import { eventually } from 'rescind/testing'
import { describe, expect, it, onTestFinished } from 'vitest'

const TOKEN = 'a-service-token-of-at-least-32-characters'
const RECORD = { kind: 'session', id: 's1', expires_at: 2_000, at: 1_000 }
const NOBODY = { jti: undefined, sid: undefined, sub: undefined, iatMs: 0 }

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** A service that answers what the test says. */
async function serve(handler: Handler): Promise<{ url: string; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    handler(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

function open(url: string, options: Partial<HttpConnectionOptions> = {}): Store {
  const store = httpStore(url, { token: TOKEN, ...options })
  onTestFinished(() => store.close())
  return store
}

const event = (name: string, data: unknown, id?: string) =>
  `event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`
const opened = event('open', { generation: 'the-only-generation' })
const current = (askedAfterMs = 0) => event('current', { asked_after_ms: askedAfterMs })
const feedOf =
  (...events: string[]): Handler =>
  (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    response.end(events.join(''))
  }

async function read(store: Store, from: string | null = null): Promise<Page[]> {
  const pages: Page[] = []
  for await (const page of store.ledger.read(from)) pages.push(page)
  return pages
}

function sinkAt(now: () => number = () => performance.now()) {
  const pages: Page[] = []
  const proofs: number[] = []
  const sink: FeedSink = { now, records: (page) => pages.push(page), current: (askedAt) => proofs.push(askedAt) }
  return { sink, pages, proofs }
}

describe('the address and the token', () => {
  it.each([
    ['auth.example.com', {}],
    ['ftp://auth.example.com', {}],
    ['https://user:pass@auth.example.com', {}],
    ['https://auth.example.com/?a=1', {}],
    ['https://auth.example.com/#a', {}],
    ['http://auth.example.com', {}],
    ['http://127.0.0.1.example.com', {}],
    ['http://localhost.example.com', {}],
    ['https://auth.example.com', { token: '' }],
    ['https://auth.example.com', { token: `${TOKEN}\r\nx: y` }],
    ['https://auth.example.com', { token: `Bearer ${TOKEN}` }],
    ['https://auth.example.com', { silenceTimeoutMs: 0 }],
    ['https://auth.example.com', { findTimeoutMs: 1.5 }],
  ])('refuses %s with %o', (url, options) => {
    const make = () => httpStore(url, { token: TOKEN, ...options })
    expect(make).toThrow(expect.objectContaining({ code: 'invalid_config' }))
    expect(make).not.toThrow(new RegExp(TOKEN))
  })

  it.each([
    'https://auth.example.com',
    'https://auth.example.com/auth/',
    'http://localhost:3000',
    'http://127.1.2.3',
    'http://[::1]:3000',
  ])('takes %s', (url) => expect(httpStore(url, { token: TOKEN }).guarantees).toEqual({ durable: true, shared: true }))

  it('takes http to another machine only when told to, and says so', async () => {
    const offline = () => Promise.reject(new TypeError('fetch failed'))
    const store = open('http://auth.example.com', { allowInsecure: true, fetch: offline })
    expect(await store.inspect?.()).toEqual([expect.stringContaining('in clear')])
  })

  it.each([
    { token: TOKEN, client: { id: 'client_1', secret: TOKEN } },
    { client: { id: '', secret: TOKEN } },
    { client: { id: 'client_1', secret: `${TOKEN}\n` } },
    { client: { id: 'client_1' } },
    {},
  ])('refuses %o for credentials', (credentials) => {
    const make = () => httpStore('https://auth.example.com', credentials as HttpStoreOptions)
    expect(make).toThrow(expect.objectContaining({ code: 'invalid_config' }))
    expect(make).not.toThrow(new RegExp(TOKEN))
  })

  it('may be those of a client, which are form-encoded and sent by HTTP Basic', async () => {
    const { url, requests } = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"revocation":null}')
    })
    const store = httpStore(url, { client: { id: 'a client', secret: 'with:colon%and+plus' } })
    onTestFinished(() => store.close())
    await store.ledger.find(NOBODY, 0)
    const sent = requests[0]?.headers.authorization ?? ''
    expect(sent.slice(0, 6)).toBe('Basic ')
    expect(atob(sent.slice(6))).toBe('a%20client:with%3Acolon%25and%2Bplus')
  })

  it('are sent as they are, below the path of the address', async () => {
    const { url, requests } = await serve(feedOf(opened, event('revocations', [], 'p'), current()))
    await read(open(`${url}/auth/`), 'place')
    expect(requests.map((request) => request.url)).toEqual(['/auth/revocations?until=current'])
    expect(requests[0]?.headers).toMatchObject({
      authorization: `Bearer ${TOKEN}`,
      accept: 'text/event-stream',
      'accept-encoding': 'identity',
      'last-event-id': 'place',
    })
  })

  it('go nowhere else: a redirect is an error', async () => {
    const elsewhere = await serve(feedOf(opened, current()))
    const { url } = await serve((_request, response) => response.writeHead(307, { location: elsewhere.url }).end())
    await expect(read(open(url))).rejects.toThrow()
    await expect(open(url).ledger.find(NOBODY, 0)).rejects.toThrow()
    expect(elsewhere.requests).toEqual([])
  })
})

describe('a store that only reads', () => {
  it('refuses every verb that writes, and has nothing to clear away', async () => {
    const { ledger, sessions } = open('https://auth.example.com')
    const refused = [
      () => ledger.append([]),
      () => sessions.start([]),
      () => sessions.rotate([]),
      () => sessions.end([]),
      () => sessions.get('s', 0),
      () => sessions.list('u', { limit: 1 }, 0),
      () => sessions.count({ everyone: true }, 0),
    ]
    for (const verb of refused) {
      await expect(verb()).rejects.toMatchObject({ code: 'invalid_config', message: expect.stringMatching(/service/) })
    }
    expect(ledger.readOnly).toBe(true)
    expect(await ledger.prune(Number.MAX_SAFE_INTEGER, 10)).toBe(0)
    expect(await sessions.sweep(Number.MAX_SAFE_INTEGER, 10)).toBe(0)
  })

  it.each([401, 403, 404])('refuses to start where the service answers %i', async (status) => {
    const { url } = await serve((_request, response) => response.writeHead(status).end('{}'))
    await expect(open(url).inspect?.()).rejects.toMatchObject({ code: 'invalid_config' })
    await expect(read(open(url))).rejects.toMatchObject({ code: 'invalid_config' })
  })

  it.each([500, 503])('starts where the service answers %i: it may recover', async (status) => {
    const { url } = await serve((_request, response) => response.writeHead(status).end('{}'))
    expect(await open(url).inspect?.()).toEqual([])
    await expect(read(open(url))).rejects.toThrow(`answered ${status}`)
  })
})

describe('what the service sends', () => {
  it('is read into pages: a place belongs to everything before it', async () => {
    const { url } = await serve(
      feedOf(
        ': a comment\n\n',
        opened,
        event('revocations', [RECORD]),
        event('revocations', [{ ...RECORD, kind: 'token', by: 'me', reason: 'why', later: 'ignored' }], 'p:2'),
        event('from a later version', {}),
        event('revocations', [{ ...RECORD, kind: 'subject', before: 5, except: 's' }], 'p:3'),
        event('revocations', [{ kind: 'everything', before: 7, expires_at: 9, at: 8 }], 'p:4'),
        current(),
        event('revocations', [RECORD], 'p:5'),
      ),
    )
    const facts = { id: 's1', expiresAt: 2_000, at: 1_000 }
    expect(await read(open(url))).toEqual([
      {
        position: 'p:2',
        records: [
          { kind: 'session', ...facts },
          { kind: 'token', ...facts, by: 'me', reason: 'why' },
        ],
      },
      { position: 'p:3', records: [{ kind: 'subject', ...facts, before: 5, except: 's' }] },
      { position: 'p:4', records: [{ kind: 'everything', before: 7, expiresAt: 9, at: 8 }] },
    ])
    expect(await open(url).ledger.generation()).toBe('the-only-generation')
  })

  it.each([
    ['a kind of revocation that is unknown here', event('revocations', [{ ...RECORD, kind: 'device' }], 'p')],
    ['a record without an id', event('revocations', [{ ...RECORD, id: '' }], 'p')],
    ['a time that is text', event('revocations', [{ ...RECORD, expires_at: '2000' }], 'p')],
    ['a time that is beyond numbers', event('revocations', [RECORD], 'p').replace('2000', '1e999')],
    ['a cut-off without a time', event('revocations', [{ ...RECORD, kind: 'subject' }], 'p')],
    ['an exception that is no text', event('revocations', [{ ...RECORD, kind: 'subject', before: 1, except: 1 }], 'p')],
    ['a record that is none', event('revocations', [null], 'p')],
    ['records that are no list', event('revocations', {}, 'p')],
    ['text that is not JSON', 'event: revocations\nid: p\ndata: [{\n\n'],
    ['a proof without a time', event('current', {})],
    ['a proof from before the request', event('current', { asked_after_ms: -1 })],
    ['a proof amid a page', event('revocations', [RECORD])],
    ['a ledger without a name', event('open', {})],
  ])('is refused when it holds %s', async (_what, text) => {
    const { url } = await serve(feedOf(text, current()))
    await expect(read(open(url))).rejects.toThrow(/cannot read/)
  })

  it('is refused when it ends before it is current', async () => {
    for (const events of [[], [opened, event('revocations', [RECORD], 'p')]]) {
      const { url } = await serve(feedOf(...events))
      await expect(read(open(url))).rejects.toThrow(/before it was current/)
    }
  })

  it('is refused when an event has no end', async () => {
    const { url } = await serve(feedOf(`data: ${'x'.repeat(2_200_000)}`))
    await expect(read(open(url))).rejects.toThrow(/more than 2097152 characters/)
  })

  it('is refused when it is a page for people', async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end(`<html>${opened}${current()}`)
    })
    await expect(read(open(url))).rejects.toThrow(/not text\/event-stream/)
    await expect(open(url).ledger.find(NOBODY, 0)).rejects.toThrow(/not application\/json/)
  })

  it('says that history was lost', async () => {
    const { url } = await serve((_request, response) => response.writeHead(409).end('{"code":"history_lost"}'))
    await expect(read(open(url), 'p')).rejects.toMatchObject({ code: 'history_lost' })
    const { sink } = sinkAt()
    const ended = new AbortController()
    await expect(open(url).ledger.follow('p', sink, ended.signal)).rejects.toMatchObject({ code: 'history_lost' })
    const other = await serve((_request, response) => response.writeHead(409).end('{"code":"email_taken"}'))
    await expect(read(open(other.url), 'p')).rejects.toThrow('answered 409')
  })
})

describe('following', () => {
  it('proves on its own clock, from the moment the request was sent', async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      // Sent late: whatever the way takes must not make it look younger.
      setTimeout(() => response.write(opened + current(0) + current(40)), 100)
    })
    const { sink, proofs } = sinkAt()
    const ending = new AbortController()
    const sentAt = performance.now()
    const following = open(url).ledger.follow('p', sink, ending.signal)
    const openedBy = performance.now()
    await eventually(() => proofs.length === 2)
    ending.abort()
    await following
    const [first = Number.NaN, second = Number.NaN] = proofs
    expect(first).toBeGreaterThanOrEqual(sentAt)
    expect(first).toBeLessThanOrEqual(openedBy)
    // Less than the service says: its clock may run faster than this one.
    expect(second - first).toBeGreaterThan(39.9)
    expect(second - first).toBeLessThan(40)
  })

  it('trusts no proof from a time that has not come here: this machine slept', async () => {
    const { url } = await serve(feedOf(opened, current(60_000)))
    const { sink, proofs } = sinkAt()
    const following = open(url).ledger.follow('p', sink, new AbortController().signal)
    await expect(following).rejects.toThrow(/stood still/)
    expect(proofs).toEqual([])
  })

  it('opens another stream before two clocks have run apart, and goes on where it was', async () => {
    const { url, requests } = await serve((request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const place = request.headers['last-event-id'] === 'p:1' ? 'p:2' : 'p:3'
      response.write(opened + event('revocations', [RECORD], place) + current())
    })
    let elapsed = 0
    const { sink, pages, proofs } = sinkAt(() => elapsed)
    const ending = new AbortController()
    const advancing: FeedSink = {
      ...sink,
      records(page) {
        sink.records(page)
        elapsed += 60_001
      },
    }
    const following = open(url).ledger.follow('p:1', advancing, ending.signal)
    await eventually(() => requests.length >= 3)
    ending.abort()
    await following
    expect(requests.slice(0, 3).map((request) => request.headers['last-event-id'])).toEqual(['p:1', 'p:2', 'p:3'])
    expect(pages.slice(0, 2).map((page) => page.position)).toEqual(['p:2', 'p:3'])
    // Each stream counts from its own start.
    expect(proofs.slice(0, 2)).toEqual([0, 60_001])
  })

  it('soon replaces a stream that opened late, since its proofs look older than they are', async () => {
    let elapsed = 0
    const late = [300, 300, 0]
    const { url, requests } = await serve((_request, response) => {
      elapsed += late[requests.length - 1] ?? 0
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(opened)
      const heartbeat = setInterval(() => response.write(current(0)), 2)
      response.on('close', () => clearInterval(heartbeat))
    })
    const { sink, proofs } = sinkAt(() => elapsed)
    const ending = new AbortController()
    const following = open(url).ledger.follow('p', sink, ending.signal)
    const provesMore = async (count = proofs.length) => eventually(() => proofs.length > count + 5)
    await provesMore()
    expect(requests).toHaveLength(1)
    elapsed += 700
    await eventually(() => requests.length === 2)
    // Late again, so it is given twice as long: the way may always be so.
    await provesMore()
    elapsed += 1_600
    await provesMore()
    expect(requests).toHaveLength(2)
    elapsed += 100
    await eventually(() => requests.length === 3)
    // The clock must not move before the client has seen the stream open.
    await provesMore()
    elapsed += 40_000
    await provesMore()
    expect(requests).toHaveLength(3)
    ending.abort()
    await following
  })

  it('goes on at once when the service ends a stream that has lived, and gives up when it ends them all', async () => {
    const { url, requests } = await serve(feedOf(opened, event('revocations', [RECORD], 'p:9'), current()))
    let elapsed = 0
    const { sink } = sinkAt(() => elapsed)
    const living: FeedSink = {
      ...sink,
      records() {
        if (requests.length < 3) elapsed += 1_000
      },
    }
    await expect(open(url).ledger.follow('p:1', living, new AbortController().signal)).rejects.toThrow(/ended the feed/)
    expect(requests.map((request) => request.headers['last-event-id'])).toEqual(['p:1', 'p:9', 'p:9'])
  })

  it('resolves when it is told to end, whatever the service does, and frees the connection', async () => {
    const { url, requests } = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(opened)
    })
    const { sink } = sinkAt()
    const ending = new AbortController()
    const following = open(url).ledger.follow('p', sink, ending.signal)
    await eventually(() => requests.length === 1)
    ending.abort()
    await following
    await eventually(() => areClosed(requests))
    await open(url).ledger.follow('p', sink, ending.signal)
    expect(requests).toHaveLength(1)
  })
})

describe('a service that says nothing', () => {
  const silent: Handler = () => {}
  const silentAfterOpening: Handler = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(opened)
  }

  it.each([
    ['at all', silent],
    ['more', silentAfterOpening],
  ])('%s is given up, and no connection stays open', async (_when, handler) => {
    const { url, requests } = await serve(handler)
    const store = open(url, { silenceTimeoutMs: 50, findTimeoutMs: 50 })
    await expect(read(store)).rejects.toThrow(/said nothing for 50 ms/)
    const { sink } = sinkAt()
    await expect(store.ledger.follow('p', sink, new AbortController().signal)).rejects.toThrow(/said nothing/)
    await eventually(() => areClosed(requests))
  })

  it('to a question is given up, and holds no more than so many sockets', async () => {
    const { url, requests } = await serve(silent)
    const store = open(url, { findTimeoutMs: 200 })
    const answers = Array.from({ length: 300 }, () => store.ledger.find(NOBODY, 0).catch(String))
    const refused = (await Promise.all(answers)).filter((answer) => String(answer).includes('256 questions wait'))
    expect(refused).toHaveLength(300 - 256)
    expect(requests.length).toBeLessThanOrEqual(256)
    await eventually(() => areClosed(requests))
    await expect(store.ledger.find(NOBODY, 0)).rejects.toThrow(/said nothing for 200 ms/)
  })

  it('is left when the store is closed', async () => {
    const { url, requests } = await serve(silentAfterOpening)
    const store = open(url)
    const { sink } = sinkAt()
    const following = store.ledger.follow('p', sink, new AbortController().signal)
    await eventually(() => requests.length === 1)
    await store.close()
    await expect(following).rejects.toThrow(/closed/)
    await expect(store.ledger.find(NOBODY, 0)).rejects.toThrow(/closed/)
    await eventually(() => areClosed(requests))
  })
})

describe('a question about one token', () => {
  it('is asked with its ids, and answered with a record or none', async () => {
    const bodies: string[] = []
    const { url, requests } = await serve((request, response) => {
      request.on('data', (bytes) => bodies.push(String(bytes)))
      request.on('end', () => {
        response.writeHead(200, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ revocation: bodies.length === 1 ? RECORD : null }))
      })
    })
    const { ledger } = open(url)
    const ids = { jti: 'j', sid: 's1', sub: undefined, iatMs: 12.5 }
    expect(await ledger.find(ids, 34)).toEqual({ kind: 'session', id: 's1', expiresAt: 2_000, at: 1_000 })
    expect(await ledger.find(ids, 34)).toBeNull()
    expect(requests.map(({ method, url: path }) => `${method} ${path}`)).toEqual(
      Array(2).fill('POST /revocations/find'),
    )
    expect(JSON.parse(bodies[0] ?? '')).toEqual({ jti: 'j', sid: 's1', iat_ms: 12.5, now_ms: 34 })
  })

  it.each(['{}', '[]', '{"revocation":1}', '{', 'x'.repeat(70_000), '{"revocation":{"kind":"device"}}'])(
    'is not taken for answered by %.40s',
    async (body) => {
      const { url } = await serve((_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' }).end(body)
      })
      await expect(open(url).ledger.find(NOBODY, 0)).rejects.toThrow(/cannot read/)
    },
  )
})

function areClosed(requests: readonly IncomingMessage[]): boolean {
  return requests.length > 0 && requests.every(({ socket }) => socket.destroyed)
}
