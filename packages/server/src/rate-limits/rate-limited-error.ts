import { RescindError } from 'rescind'

/** A refusal that says when to come back. */
export class RateLimitedError extends RescindError {
  readonly retryAfterSeconds: number

  constructor(msLeft: number) {
    super('rate_limited', 'Too many requests: wait before you try again.')
    this.retryAfterSeconds = Math.max(1, Math.ceil(msLeft / 1000))
  }
}
