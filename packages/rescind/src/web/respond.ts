import { isRequestErrorCode, type RescindError } from '../base/errors.ts'
import { type FieldError, type Problem, type RequestErrorCode, requestErrors } from '../wire.ts'

/** An answer for an adapter to write. The body is to be sent as JSON, with the content type that the headers say. */
export interface Answer {
  readonly status: number
  /** Lower-case names; `content-type` is always among them. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: object
}

/** An {@link Answer} whose body is a problem document. */
export interface ProblemAnswer extends Answer {
  readonly body: Problem
}

/** How {@link problemAnswer} words an answer. */
export interface ProblemOptions {
  /**
   * The address of the error documentation; the code is appended to it.
   * @default 'https://rescind.dev/errors#'
   */
  readonly typeBase?: string
  /** The fields of the body that failed validation. */
  readonly errors?: readonly FieldError[]
}

const DEFAULT_TYPE_BASE = 'https://rescind.dev/errors#'
/** A client that waits this long meets a store that has been reconnected or a limit that has moved on. */
const RETRY_AFTER_SECONDS = '1'

/** RFC 6750 §3.1 and RFC 9470 §3: the `error` of `WWW-Authenticate`, where it is not `invalid_token`. */
const CHALLENGES: Partial<Record<RequestErrorCode, string>> = {
  fresh_token_required: 'insufficient_user_authentication',
}
const NOT_A_TOKEN_ERROR: ReadonlySet<RequestErrorCode> = new Set(['invalid_credentials'])

/**
 * Turns an error into an `application/problem+json` answer (RFC 9457), with the `WWW-Authenticate` of RFC 6750 on a 401
 * and a `Retry-After` on a 429 or 503. An error the client has no part in becomes a bare `internal_error`.
 *
 * @example
 * ```ts
 * const { status, headers, body } = problemAnswer(decision.error)
 * response.writeHead(status, headers).end(JSON.stringify(body))
 * ```
 */
export function problemAnswer(error: RescindError, options: ProblemOptions = {}): ProblemAnswer {
  const code: RequestErrorCode = isRequestErrorCode(error.code) ? error.code : 'internal_error'
  const { status, title } = requestErrors[code]
  const detail = code === 'internal_error' ? 'Something went wrong here.' : error.message
  const headers: Record<string, string> = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' }
  if (status === 401 && !NOT_A_TOKEN_ERROR.has(code)) headers['www-authenticate'] = challenge(code, detail)
  if (status === 429 || status === 503) headers['retry-after'] = RETRY_AFTER_SECONDS
  return {
    status,
    headers,
    body: {
      type: `${options.typeBase ?? DEFAULT_TYPE_BASE}${code}`,
      title,
      status,
      detail,
      code,
      ...(options.errors === undefined ? {} : { errors: options.errors }),
    },
  }
}

function challenge(code: RequestErrorCode, detail: string): string {
  // RFC 6750 §3.1: a request without a token is not told of an error.
  if (code === 'token_missing') return 'Bearer'
  // RFC 6750 §3: the description may not hold quotes, backslashes or characters beyond ASCII.
  const description = detail.replace(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, "'")
  return `Bearer error="${CHALLENGES[code] ?? 'invalid_token'}", error_description="${description}"`
}
