import { type RequestErrorCode, requestErrors } from '../wire.ts'

/** Mistakes of the program that uses the library; a request never causes one. */
export type SetupErrorCode = 'invalid_config' | 'unsafe_key' | 'not_ready' | 'closed' | 'store_failed'

/** Every `code` a {@link RescindError} can carry. */
export type ErrorCode = RequestErrorCode | SetupErrorCode

/**
 * The one error class of the library. Test `error.code`, never the message: codes are stable, messages are for people
 * and never hold a token or a secret.
 *
 * @example
 * ```ts
 * try {
 *   auth.verify(token)
 * } catch (error) {
 *   if (error instanceof RescindError && error.code === 'token_revoked') logInAgain()
 * }
 * ```
 */
export class RescindError extends Error {
  override readonly name = 'RescindError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }

  /** The HTTP status that answers this error: 401 for most refusals, 500 for a mistake of the program. */
  get status(): number {
    return isRequestErrorCode(this.code) ? requestErrors[this.code].status : 500
  }
}

/** True for a code that may be shown to the client. */
export function isRequestErrorCode(code: string): code is RequestErrorCode {
  return Object.hasOwn(requestErrors, code)
}

/** A mistake of the caller of the library, found when it is configured: `code` is `invalid_config`. */
export function configError(message: string): RescindError {
  return new RescindError('invalid_config', message)
}

/** A key that must not be used: `code` is `unsafe_key`, the message says what to do. It never quotes the key. */
export function unsafeKey(message: string): RescindError {
  return new RescindError('unsafe_key', message)
}

/** Thrown by a ledger asked to go on from a place that is not in its history: it came back empty or rewound. */
export function historyLost(): RescindError {
  return new RescindError('history_lost', 'The ledger lost history: it came back empty or older than it was.')
}
