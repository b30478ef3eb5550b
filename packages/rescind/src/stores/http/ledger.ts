import { configError } from '../../base/errors.ts'
import type { FeedSink, Ledger, Position } from '../../revocation/ledger.ts'
import type { HttpService } from './service.ts'

// Two clocks run apart by up to 500 millionths each, which is the most that NTP lets a clock be slewed by.
const CLOCK_DRIFT = 0.001
// How long a stream's clock is trusted: then the follower opens another, with a new start. Spread over a fleet.
const RENEW_AFTER_MS = 60_000
const RENEW_SPREAD = 0.25
// A stream that took longer to open makes every proof look that much older than it is, and is soon replaced by another.
const LATE_MS = 250
// A service that ends its streams sooner is failing, and is not asked again at once.
const SHORTEST_STREAM_MS = 1_000

/** The ledger of another service, to be read only. */
export function httpLedger(service: HttpService): Ledger {
  return {
    readOnly: true,
    async append() {
      throw readOnly()
    },
    async *read(from) {
      for await (const message of service.feed({ from, until: 'current' })) {
        if (message.type === 'page') yield message.page
        else if (message.type === 'current') return
      }
      throw new Error('the service ended the feed before it was current')
    },
    async follow(from, sink, signal) {
      let position = from
      let renewLateAfterMs = SHORTEST_STREAM_MS
      while (!signal.aborted) {
        const openedAt = sink.now()
        const stream = { from: position, openedAt, renewLateAfterMs }
        try {
          const { reached, late } = await followStream(service, stream, { sink, signal })
          position = reached
          // Where the way is always long, it is not tried over and over.
          renewLateAfterMs = late ? Math.min(RENEW_AFTER_MS, renewLateAfterMs * 2) : SHORTEST_STREAM_MS
        } catch (error) {
          if (signal.aborted) return
          throw error
        }
        if (!signal.aborted && sink.now() - openedAt < SHORTEST_STREAM_MS) {
          throw new Error('the service ended the feed')
        }
      }
    },
    find: service.find,
    prune: async () => 0,
    async generation() {
      for await (const message of service.feed({ from: null, until: 'current' })) {
        if (message.type === 'open') return message.generation
      }
      throw new Error('the service did not name its ledger')
    },
  }
}

/** What a store answers that is asked to write to another service's ledger. */
export function readOnly(): Error {
  return configError('this process only checks tokens: issue and revoke them at the service')
}

/**
 * Follows one stream until it ends or has to be renewed. Answers how far it came, and whether it opened late.
 *
 * How old a proof is, is told on this process's clock and never takes the way here for short: what waited in some
 * buffer on the way must not pass for fresh. The service counts from the arrival of the request, which came after the
 * request was sent (`openedAt`); so its ledger was asked no earlier than so many milliseconds after that.
 */
async function followStream(
  service: HttpService,
  { from, openedAt, renewLateAfterMs }: { from: Position; openedAt: number; renewLateAfterMs: number },
  { sink, signal }: { sink: FeedSink; signal: AbortSignal },
): Promise<{ reached: Position; late: boolean }> {
  const renewAfterMs = RENEW_AFTER_MS * (1 - RENEW_SPREAD * Math.random())
  let reached = from
  let late = false
  for await (const message of service.feed({ from }, signal)) {
    // Nothing that was already on its way is delivered once the follower has ended.
    if (signal.aborted) break
    const now = sink.now()
    if (message.type === 'open') late = now - openedAt > LATE_MS
    if (message.type === 'page') {
      reached = message.page.position
      sink.records(message.page)
    }
    if (message.type === 'current') {
      const askedAt = openedAt + message.askedAfterMs * (1 - CLOCK_DRIFT)
      // More time has passed there than here: this machine slept, and what it has from before may be of any age.
      if (askedAt > now) throw new Error('the clock of this process stood still')
      sink.current(askedAt)
      if (now - openedAt >= (late ? renewLateAfterMs : renewAfterMs)) break
    }
  }
  return { reached, late }
}
