/**
 * How long a request waits for what is stored, in milliseconds. A network that swallows everything gives no error: this
 * is what turns it into an answer within a second.
 */
export const STORAGE_DEADLINE_MS = 800

/** Something did not answer in time. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError'

  constructor(ms: number) {
    super(`no answer within ${ms} ms`)
  }
}

/** Rejects with {@link DeadlineError} when the work takes longer than `ms`; the work itself goes on unheard. */
export function withDeadline<T>(work: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    // After the process was held up, timers run before sockets are read: what has arrived meanwhile is looked at first.
    const timer = setTimeout(() => setImmediate(() => reject(new DeadlineError(ms))), ms)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
