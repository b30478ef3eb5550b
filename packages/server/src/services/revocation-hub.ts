import { setTimeout as wait } from 'node:timers/promises'
import { type Clock, type Ledger, type Page, type Position, RescindError } from 'rescind'
import { pageEvents } from '../revocation-events.ts'
import { createSubscription, type Subscription } from './revocation-subscription.ts'

/** What a hub works on. */
export interface RevocationHubParts {
  readonly ledger: Ledger
  readonly clock: Clock
  /** One more follower is refused with `overloaded`. */
  readonly maxStreams: number
  /** How often followers are sent the newest proof, in milliseconds. */
  readonly heartbeatMs: number
  /** Told, in words without secrets, when the ledger cannot be followed. */
  readonly onWarning: (message: string) => void
}

/**
 * One follower of the ledger for all the streams of this process: a thousand resource servers then cost the database
 * no more than one.
 */
export interface RevocationHub {
  /** Takes a place; throws `overloaded` when there is none left. */
  subscribe(): HubSubscription
  /** Ends all streams, and refuses new ones. */
  close(): void
}

/** The place of one stream. Whoever holds it closes it. */
export interface HubSubscription extends Omit<Subscription, 'put' | 'miss'> {
  /**
   * Begins to gather what is new, and forgets what was gathered. Read the ledger up to its end after this, then call
   * {@link follow} with the place reached: between what was read and what is gathered nothing is missing, since a record
   * was either there to be read or came after the hub's own place.
   */
  gather(): void
  /** Sees to it that the hub follows: from this place, unless it does already. */
  follow(from: Position): void
}

// Stores prove several times a second that nothing is newer. One that says nothing for so long is followed anew.
const SILENCE_MS = 2_000
const FIRST_RETRY_MS = 50
const LAST_RETRY_MS = 1_000

/** Makes a hub. It follows the ledger only while someone follows the hub. */
export function createRevocationHub(parts: RevocationHubParts): RevocationHub {
  const { ledger, clock, maxStreams, heartbeatMs, onWarning } = parts
  const subscriptions = new Set<Subscription>()
  let following: AbortController | null = null
  let closed = false
  let provedAt = Number.NEGATIVE_INFINITY

  const stop = () => {
    following?.abort()
    following = null
  }
  const endAll = () => {
    for (const subscription of [...subscriptions]) subscription.close()
  }

  const followOnce = async (from: Position, ending: AbortSignal, arrived: (position: Position | null) => void) => {
    const giveUp = new AbortController()
    const end = () => giveUp.abort(new Error('the hub has ended'))
    ending.addEventListener('abort', end)
    let heardAt = clock.monotonic()
    const watchdog = setInterval(() => {
      if (clock.monotonic() - heardAt > SILENCE_MS) giveUp.abort(new Error('the ledger fell silent'))
    }, SILENCE_MS / 4)
    const sink = {
      now: () => clock.monotonic(),
      records(page: Page) {
        if (giveUp.signal.aborted) return
        heardAt = clock.monotonic()
        const events = pageEvents(page)
        for (const subscription of subscriptions) subscription.put({ kind: 'page', events, position: page.position })
        arrived(page.position)
      },
      current(askedAt: number) {
        if (giveUp.signal.aborted) return
        heardAt = clock.monotonic()
        provedAt = Math.max(provedAt, askedAt)
        arrived(null)
      },
    }
    try {
      await untilAborted(ledger.follow(from, sink, giveUp.signal), giveUp.signal)
      throw new Error('the store stopped following')
    } finally {
      clearInterval(watchdog)
      ending.removeEventListener('abort', end)
      // Whatever the store still has open for this attempt ends with it.
      giveUp.abort(new Error('the attempt is over'))
    }
  }

  const run = async (from: Position, ending: AbortSignal) => {
    let position = from
    for (let failures = 0; !ending.aborted; failures += 1) {
      try {
        await followOnce(position, ending, (reached) => {
          failures = 0
          position = reached ?? position
        })
      } catch (error) {
        if (ending.aborted) return
        // Their places are in the history that was lost: each of them is told so when it comes back.
        if (error instanceof RescindError && error.code === 'history_lost') return endAll()
        onWarning(`the ledger cannot be followed for resource servers: ${messageOf(error)}`)
        await wait(Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures), undefined, { ref: false })
      }
    }
  }

  // A proof is sent once: one that is repeated would make a feed that has come to a halt look alive.
  let toldAt = provedAt
  const heartbeat = setInterval(() => {
    if (provedAt === toldAt) return
    toldAt = provedAt
    for (const subscription of subscriptions) subscription.put({ kind: 'proof', askedAt: provedAt })
  }, heartbeatMs)
  heartbeat.unref()

  return {
    subscribe() {
      if (closed || subscriptions.size >= maxStreams) {
        throw new RescindError('overloaded', 'No more streams can be opened here right now.')
      }
      const subscription = createSubscription(() => {
        subscriptions.delete(subscription)
        if (subscriptions.size === 0) stop()
      })
      subscriptions.add(subscription)
      return {
        ...subscription,
        follow(from) {
          if (following !== null || subscription.isOver()) return
          following = new AbortController()
          // Another stream that is reading may have been shown the ledger as it was before this place: what lies between
          // would reach it neither by its read nor by the hub. Its next read begins after this place was there to see.
          for (const other of subscriptions) if (other !== subscription) other.miss()
          void run(from, following.signal)
        },
      }
    },
    close() {
      closed = true
      clearInterval(heartbeat)
      endAll()
      stop()
    },
  }
}

/** Rejects with the signal's reason when it aborts before the work is done; the work itself goes on unheard. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown error'
}
