import type { FastifyBaseLogger } from 'fastify'
import { withDeadline } from '../deadline.ts'
import { createLimiter } from '../services/limiter.ts'
import type { Letter } from './letter.ts'

/** A letter to one address. */
export interface Mail {
  readonly to: string
  readonly letter: Letter
}

/** Where mails go. */
export interface MailTransport {
  /** Rejects where the mail was not taken. An `isPermanent` of `true` on the error says that no other try helps. */
  deliver(mail: Mail): Promise<void>
  close(): void
}

/** Sends mails after the answer that caused them. */
export interface Mailer {
  /** Never waits and never fails: what cannot be delivered is told to the log, without its address. */
  send(mail: Mail): void
  /** Delivers what it can within a moment, and takes no more. */
  close(): Promise<void>
}

/** What a mailer may be told. */
export interface MailerOptions {
  readonly log: Pick<FastifyBaseLogger, 'warn'>
  /** How long to wait before each new try, in milliseconds. @default 1 s, 10 s and a minute */
  readonly retryDelaysMs?: readonly number[]
  /** How many mails may wait. @default 1_000 */
  readonly maxWaiting?: number
}

const AT_ONCE = 3
const CLOSE_MS = 1_500

/**
 * A queue in memory before a transport. What does not get through is tried again a few times, while others go on; beyond
 * a bound, mails are dropped: whoever waits for one can ask again.
 */
export function createMailer(transport: MailTransport, options: MailerOptions): Mailer {
  const { log, retryDelaysMs = [1_000, 10_000, 60_000], maxWaiting = 1_000 } = options
  const limiter = createLimiter({ maxRunning: AT_ONCE, maxWaiting })
  const underWay = new Set<Promise<void>>()
  const sleepers = new Set<() => void>()
  let isClosing = false

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        sleepers.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, ms)
      sleepers.add(wake)
    })
  const deliver = async (mail: Mail): Promise<void> => {
    for (let tries = 0; ; tries += 1) {
      // The last try, where the service is about to end.
      const isLast = isClosing
      try {
        return await limiter.run(() => transport.deliver(mail))
      } catch (error) {
        const delay = retryDelaysMs[tries]
        if (delay === undefined || isLast || isPermanent(error)) {
          log.warn({ tries: tries + 1, code: codeOf(error) }, 'a mail could not be delivered')
          return
        }
        if (!isClosing) await pause(delay)
      }
    }
  }
  return {
    send(mail) {
      if (underWay.size >= maxWaiting || isClosing) {
        log.warn({ waiting: underWay.size }, 'a mail was dropped: too many wait')
        return
      }
      const delivery = deliver(mail).finally(() => underWay.delete(delivery))
      underWay.add(delivery)
    },
    async close() {
      isClosing = true
      for (const wake of [...sleepers]) wake()
      await withDeadline(Promise.all(underWay), CLOSE_MS).catch(() => {})
      if (underWay.size > 0) log.warn({ mails: underWay.size }, 'mails were not delivered before the end')
    },
  }
}

function isPermanent(error: unknown): boolean {
  return (error as { isPermanent?: unknown }).isPermanent === true
}

// A server's words may hold the address.
function codeOf(error: unknown): string {
  const { code, responseCode } = error as { code?: unknown; responseCode?: unknown }
  const parts = [code, responseCode].filter((part) => typeof part === 'string' || typeof part === 'number')
  return parts.length === 0 ? 'unknown' : parts.join(' ')
}
