import type { RedisLike } from './client.ts'

/** A connection that one part of the store has for itself: it fails for good when it breaks, and never reconnects. */
export interface RedisConnection {
  /** Rejects when there is no answer within `deadlineMs`; the connection is closed then. */
  send(args: string[], deadlineMs: number): Promise<unknown>
  readonly isOpen: boolean
  close(): void
}

/** Opens a connection to the client's server within the deadline. */
export async function openConnection(client: RedisLike, deadlineMs: number): Promise<RedisConnection> {
  const raw = client.duplicate()
  let isOpen = true
  let failure: Error | null = null
  const close = () => {
    if (!isOpen) return
    isOpen = false
    raw.destroy()
  }
  // Left to itself the driver would go on reconnecting. Closing also rejects whatever waits for an answer.
  raw.on('error', (error) => {
    failure ??= error
    close()
  })
  const within = async <T>(work: Promise<T>, ms: number): Promise<T> => {
    try {
      return await beforeDeadline(work, ms)
    } catch (error) {
      if (error instanceof SilenceError) close()
      throw failure ?? error
    }
  }
  try {
    await within(raw.connect(), deadlineMs)
  } catch (error) {
    close()
    throw error
  }
  return {
    send: (args, ms) => within(raw.sendCommand(args), ms),
    get isOpen() {
      return isOpen
    },
    close,
  }
}

class SilenceError extends Error {
  override readonly name = 'SilenceError'
}

/** Rejects when Redis takes longer than `ms` to answer: a connection may be dead without knowing it. */
export function beforeDeadline<T>(work: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new SilenceError(`Redis did not answer within ${ms} ms`)), ms)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
