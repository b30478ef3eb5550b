import type { Clock } from '../base/clock.ts'
import { RescindError } from '../base/errors.ts'
import { unref } from '../base/timers.ts'
import { pause, withSignal } from './deadline.ts'
import type { Ledger, Position } from './ledger.ts'
import type { Revocation } from './revocation.ts'

/** What a feed works on, and whom it tells. */
export interface FeedParts {
  readonly ledger: Ledger
  readonly clock: Clock
  /** For how long, in milliseconds, the ledger may neither deliver nor prove anything before the feed is reopened. */
  readonly silenceMs: number
  /** New records, in ledger order. */
  take(records: readonly Revocation[]): void
  /** Everything held, to be recorded again in a ledger that lost its history. */
  held(): Iterable<Revocation>
  /** Memory holds everything that was acknowledged before this monotonic time. */
  proved(askedAt: number): void
  /** The ledger was reached, or was not. */
  reached(ok: boolean): void
  /** Told, in words without secrets, when the feed breaks and when history was lost. */
  readonly onWarning: (message: string) => void
}

/** Brings the ledger's records here, for as long as the process lives. */
export interface Feed {
  /** Reads all that is new once; rejects when the ledger cannot be read. */
  catchUp(signal: AbortSignal): Promise<void>
  /** Follows the ledger until the signal aborts, and reopens the feed whenever it breaks or falls silent. */
  follow(signal: AbortSignal): Promise<void>
  /** Where it is; `null` before the first replay. */
  readonly position: Position | null
  /** How often it had to be reopened. */
  readonly reopened: number
}

const FIRST_RETRY_MS = 50
const LAST_RETRY_MS = 1_000
const RESEED_BATCH = 512

/** Makes a feed that has read nothing. */
export function createFeed(parts: FeedParts): Feed {
  const { ledger, clock, silenceMs, onWarning } = parts
  let position: Position | null = null
  let reopened = 0
  let heardAt = clock.monotonic()
  const heard = () => {
    heardAt = clock.monotonic()
    parts.reached(true)
  }

  const replay = async (signal: AbortSignal) => {
    const askedAt = clock.monotonic()
    const pages = ledger.read(position)[Symbol.asyncIterator]()
    for (;;) {
      const { done, value: page } = await withSignal(pages.next(), signal)
      if (done === true) break
      parts.take(page.records)
      position = page.position
      heard()
    }
    parts.proved(askedAt)
  }

  // Every replica does this, and all but the first find that nothing is left to record: appending is idempotent.
  const reseed = async (signal: AbortSignal) => {
    let restored = 0
    let batch: Revocation[] = []
    const flush = async () => {
      await withSignal(ledger.append(batch), signal)
      restored += batch.length
      batch = []
      heard()
    }
    for (const record of parts.held()) {
      batch.push(record)
      if (batch.length === RESEED_BATCH) await flush()
    }
    if (batch.length > 0) await flush()
    onWarning(`the ledger lost history: ${restored} revocations were recorded again from memory`)
  }

  const catchUp = async (signal: AbortSignal) => {
    try {
      await replay(signal)
    } catch (error) {
      if (!isHistoryLost(error)) throw error
      // Whoever may write to the ledger puts back what it lost; this one reads it anew, and keeps what it holds.
      if (ledger.readOnly === true) onWarning('the ledger lost history: it is read again from the start')
      else await reseed(signal)
      position = null
      await replay(signal)
    }
  }

  const followOnce = async (signal: AbortSignal) => {
    await catchUp(signal)
    if (position === null) throw new Error('the ledger answered no position')
    const sink = {
      now: () => clock.monotonic(),
      records(page: { records: readonly Revocation[]; position: Position }) {
        if (signal.aborted) return
        parts.take(page.records)
        position = page.position
        heard()
      },
      current(askedAt: number) {
        if (signal.aborted) return
        parts.proved(askedAt)
        heard()
      },
    }
    await withSignal(ledger.follow(position, sink, signal), signal)
    throw new Error('the store stopped following')
  }

  /** One attempt, given up when the ledger falls silent: a connection that is dead without knowing it never ends by itself. */
  const attempt = async (ending: AbortSignal) => {
    const giveUp = new AbortController()
    const end = () => giveUp.abort(ending.reason)
    ending.addEventListener('abort', end, { once: true })
    heardAt = clock.monotonic()
    const watchdog = setInterval(
      () => {
        if (clock.monotonic() - heardAt > silenceMs) giveUp.abort(new Error('the ledger fell silent'))
      },
      Math.min(250, silenceMs / 4),
    )
    unref(watchdog)
    try {
      await followOnce(giveUp.signal)
    } finally {
      clearInterval(watchdog)
      ending.removeEventListener('abort', end)
      // Whatever the store still has open for this attempt ends with it.
      giveUp.abort(new Error('the attempt is over'))
    }
  }

  return {
    catchUp,
    async follow(ending) {
      for (let failures = 0; !ending.aborted; failures += 1) {
        const startedAt = clock.monotonic()
        try {
          await attempt(ending)
        } catch (error) {
          if (ending.aborted) return
          reopened += 1
          if (clock.monotonic() - startedAt > LAST_RETRY_MS) failures = 0
          if (!isHistoryLost(error)) {
            parts.reached(false)
            onWarning(`the revocation feed broke and is being reopened: ${messageOf(error)}`)
          }
          await pause(retryDelayMs(failures), ending)
        }
      }
    },
    get position() {
      return position
    },
    get reopened() {
      return reopened
    },
  }
}

function isHistoryLost(error: unknown): boolean {
  return error instanceof RescindError && error.code === 'history_lost'
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown error'
}

// Jitter keeps a fleet from returning to a restarted ledger in step; it needs no cryptographic randomness.
function retryDelayMs(failures: number): number {
  return Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures) * (0.5 + Math.random() / 2)
}
