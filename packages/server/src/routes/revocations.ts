import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Clock, type Ledger, RescindError } from 'rescind'
import { findRevocationBody, parseBody } from '../bodies.ts'
import { STORAGE_DEADLINE_MS, withDeadline } from '../deadline.ts'
import { revocationEntry } from '../revocation-events.ts'
import type { Clients } from '../services/clients.ts'
import { createLimiter } from '../services/limiter.ts'
import { createRevocationHub, type HubSubscription } from '../services/revocation-hub.ts'
import { streamRevocations } from '../services/revocation-stream.ts'
import { onlyServices } from './only-services.ts'

/** What resource servers follow, and who may. */
export interface RevocationFeedOptions {
  readonly ledger: Ledger
  /**
   * What resource servers may show as a bearer token: 32 characters or more. Several while one replaces the other. Clients
   * with the scope `revocations:read` show their own credentials.
   */
  readonly serviceTokens: readonly string[]
  /** How many streams may be open; one more is refused with 503. @default 1_000 */
  readonly maxStreams?: number
  /** How often a follower is proved to be current, in milliseconds. @default 500 */
  readonly heartbeatMs?: number
  /** A follower that takes nothing for so many milliseconds is cut off. @default 10_000 */
  readonly stallTimeoutMs?: number
}

const MAX_READS = 8
// Longer than for one question: after a restart, a whole fleet waits for its turn to read.
const FIRST_PAGE_DEADLINE_MS = 4_000
// A client that is gone without a word holds its place no longer than this; the others come back at once.
const MAX_STREAM_MS = 5 * 60_000

/**
 * `GET /revocations`: the live revocations and then every new one, as server-sent events. `POST /revocations/find`:
 * what kills one token. Both are for resource servers, which show a service token, or the credentials of a client with
 * the scope `revocations:read`. The protocol is written down in docs/reference/revocation-feed.md.
 */
export function revocationRoutes(
  app: FastifyInstance,
  options: RevocationFeedOptions & { clients: Clients; clock: Clock },
): void {
  const { ledger, clock, maxStreams = 1_000, heartbeatMs = 500, stallTimeoutMs = 10_000 } = options
  const onRequest = onlyServices({
    tokens: options.serviceTokens,
    clients: options.clients,
    scope: 'revocations:read',
  })
  const reading = createLimiter({ maxRunning: MAX_READS, maxWaiting: maxStreams })
  const onWarning = (message: string) => app.log.warn(message)
  const hub = createRevocationHub({ ledger, clock, maxStreams, heartbeatMs, onWarning })
  // Before the server stops listening, so that streams do not hold up the drain.
  app.addHook('preClose', async () => hub.close())

  app.get('/revocations', { onRequest, exposeHeadRoute: false }, async (request, reply) => {
    const untilCurrent = wantsUntilCurrent(request)
    const from = lastEventId(request)
    const subscription = hub.subscribe()
    const events = streamRevocations({ ledger, clock, reading, subscription }, { from, untilCurrent })
    endWithAnswer(reply, subscription, events)
    const first = await answered(events.next(), FIRST_PAGE_DEADLINE_MS)
    reply.headers({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
      // A stream ends when it has to, not when it is idle: its connection serves no other request.
      ...(untilCurrent ? {} : { connection: 'close' }),
    })
    const cutOff = () => reply.raw.destroy()
    return reply.send(Readable.from(taken(first, events, { cutOff, stallTimeoutMs })))
  })

  app.post('/revocations/find', { onRequest }, async (request) => {
    const { jti, sid, sub, iat_ms: iatMs, now_ms: nowMs } = parseBody(findRevocationBody, request.body)
    const found = await answered(ledger.find({ jti, sid, sub, iatMs }, nowMs ?? clock.now()), STORAGE_DEADLINE_MS)
    return { revocation: found === null ? null : revocationEntry(found) }
  })
}

function wantsUntilCurrent(request: FastifyRequest): boolean {
  const { until } = request.query as { until?: unknown }
  if (until !== undefined && until !== 'current') {
    throw new RescindError('invalid_request', 'The parameter until may only be "current".')
  }
  return until === 'current'
}

function lastEventId(request: FastifyRequest): string | null {
  const id = request.headers['last-event-id']
  // An empty one means that no event had an id (WHATWG HTML, §9.2).
  return typeof id !== 'string' || id === '' ? null : id
}

/** Ends the stream when the answer is over, however it ends, and the answer when it has had its time. */
function endWithAnswer(reply: FastifyReply, subscription: HubSubscription, events: AsyncGenerator<string>): void {
  const over = setTimeout(subscription.close, MAX_STREAM_MS)
  over.unref()
  const end = () => {
    clearTimeout(over)
    subscription.close()
    // Frees what a half-read ledger may hold; what went wrong there is of no more use to anyone.
    events.return(undefined).catch(() => {})
  }
  reply.raw.once('close', end)
  if (reply.raw.destroyed || reply.raw.socket?.destroyed === true) end()
}

/** The events, one at a time as the client takes them; `cutOff` is called when it takes none for too long. */
async function* taken(
  first: IteratorResult<string>,
  events: AsyncGenerator<string>,
  { cutOff, stallTimeoutMs }: { cutOff: () => void; stallTimeoutMs: number },
): AsyncGenerator<string> {
  for (let next = first; next.done !== true; next = await events.next()) {
    const stalled = setTimeout(cutOff, stallTimeoutMs)
    try {
      yield next.value
    } finally {
      clearTimeout(stalled)
    }
  }
}

/** The ledger's answer, in time; else the request is refused as one whose token cannot be checked. */
async function answered<T>(work: Promise<T>, deadlineMs: number): Promise<T> {
  try {
    return await withDeadline(work, deadlineMs)
  } catch (cause) {
    if (cause instanceof RescindError && cause.code === 'history_lost') throw cause
    throw new RescindError('revocation_unavailable', 'The ledger does not answer right now.', { cause })
  }
}
