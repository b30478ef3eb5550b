import type { Clock, Ledger, Page, Position } from 'rescind'
import { withDeadline } from '../deadline.ts'
import { currentEvent, openEvent, pageEvents } from '../revocation-events.ts'
import type { Limiter } from './limiter.ts'
import type { HubSubscription } from './revocation-hub.ts'

const PAGE_DEADLINE_MS = 2_000

/** What one stream is made of. */
export interface RevocationStreamParts {
  readonly ledger: Ledger
  readonly clock: Clock
  /** Bounds how many streams read the ledger at once: a fleet comes back together after a restart. */
  readonly reading: Limiter
  readonly subscription: HubSubscription
}

/** What the client asked for. */
export interface RevocationStreamRequest {
  /** Where to go on; `null`: from the start. */
  readonly from: Position | null
  /** Ends as soon as it is current. */
  readonly untilCurrent: boolean
}

/**
 * The events of one stream: the live records after a place, then every new one. The first page has been read when the
 * first event is there, so that a place that is not in the ledger's history is refused before anything is sent.
 */
export async function* streamRevocations(
  { ledger, clock, reading, subscription }: RevocationStreamParts,
  { from, untilCurrent }: RevocationStreamRequest,
): AsyncGenerator<string> {
  const arrivedAt = clock.monotonic()
  let position = from
  let opened = false
  for (;;) {
    subscription.gather()
    const askedAt = clock.monotonic()
    for await (const page of pagesAfter(position, ledger, reading)) {
      if (subscription.isOver()) return
      if (!opened) yield openEvent(await ledger.generation())
      opened = true
      yield* pageEvents(page)
      position = page.position
    }
    if (subscription.isOver()) return
    yield currentEvent(askedAt - arrivedAt)
    if (untilCurrent) return
    if (position === null) throw new Error('the ledger answered no place')
    subscription.follow(position)

    for (;;) {
      const next = await subscription.next()
      if (next === 'over') return
      // It could not be kept for this stream, which is slow: the ledger still has it.
      if (next === 'behind') break
      if (next.kind === 'page') {
        yield* next.events
        position = next.position
      } else if (next.askedAt >= arrivedAt) {
        yield currentEvent(next.askedAt - arrivedAt)
      }
    }
  }
}

async function* pagesAfter(from: Position | null, ledger: Ledger, reading: Limiter): AsyncGenerator<Page> {
  const pages = ledger.read(from)[Symbol.asyncIterator]()
  try {
    for (;;) {
      // A read that never ends gives its place in the queue back: the next may meet a ledger that answers.
      const { done, value } = await reading.run(() => withDeadline(pages.next(), PAGE_DEADLINE_MS))
      if (done === true) return
      yield value
    }
  } finally {
    pages.return?.().catch(() => {})
  }
}
