/**
 * What crosses the wire: error codes and JSON shapes, shared with the client. This module imports nothing.
 */

/**
 * Every refusal a request can meet: its HTTP status and the title of its problem document (RFC 9457).
 * The key is the stable `code` that programs test; titles may change.
 */
export const requestErrors = {
  invalid_request: { status: 400, title: 'The request is not valid' },
  invalid_credentials: { status: 401, title: 'The credentials are wrong' },
  token_missing: { status: 401, title: 'A token is required' },
  token_malformed: { status: 401, title: 'The token cannot be read' },
  token_invalid: { status: 401, title: 'The token is not valid' },
  token_expired: { status: 401, title: 'The token has expired' },
  token_revoked: { status: 401, title: 'The token has been revoked' },
  claims_rejected: { status: 401, title: 'The claims of the token are not accepted' },
  user_not_found: { status: 401, title: 'The user of the token cannot be found' },
  wrong_token_type: { status: 401, title: 'The token is of the wrong type' },
  fresh_token_required: { status: 401, title: 'A fresh token is required' },
  refresh_token_reused: { status: 401, title: 'The refresh token was used before' },
  csrf_failed: { status: 403, title: 'The cross-site request check failed' },
  forbidden: { status: 403, title: 'Not allowed' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  email_taken: { status: 409, title: 'The e-mail address is taken' },
  history_lost: { status: 409, title: 'The place is not in the history' },
  payload_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The content type is not supported' },
  password_too_weak: { status: 422, title: 'The password is too weak' },
  rate_limited: { status: 429, title: 'Too many requests' },
  revocation_unavailable: { status: 503, title: 'Revocation cannot be checked' },
  overloaded: { status: 503, title: 'The service is busy' },
  internal_error: { status: 500, title: 'Internal error' },
} as const satisfies Record<string, { status: number; title: string }>

/** A stable error code of a refused request. */
export type RequestErrorCode = keyof typeof requestErrors

/** One failed field of a request body. */
export interface FieldError {
  readonly path: string
  readonly message: string
}

/** The body of every error answer: `application/problem+json` (RFC 9457). */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: RequestErrorCode
  readonly errors?: readonly FieldError[]
}

/** A user, as the service shows one. Times are RFC 3339 UTC strings. */
export interface User {
  readonly id: string
  readonly email: string
  readonly email_verified: boolean
  readonly admin: boolean
  readonly registered_at: string
}

/** The answer of every route that mints a token pair. `expires_in` and `refresh_expires_in` are seconds. */
export interface TokenResponse {
  readonly access_token: string
  readonly refresh_token: string
  readonly token_type: 'Bearer'
  readonly expires_in: number
  readonly refresh_expires_in: number
  readonly session_id: string
  readonly user: User
}

/** The answer of `POST /auth/reauthenticate`: the session keeps its refresh token, which is not told again. */
export type AccessTokenResponse = Omit<TokenResponse, 'refresh_token' | 'refresh_expires_in'>

/** What is answered in place of either where the tokens go into cookies: all but the tokens. */
export type CookieTokenResponse = Pick<TokenResponse, 'expires_in' | 'session_id' | 'user'> &
  Partial<Pick<TokenResponse, 'refresh_expires_in'>>

/** One login of a user. Times are RFC 3339 UTC strings. */
export interface Session {
  readonly id: string
  readonly created_at: string
  readonly last_used_at: string
  readonly expires_at: string
  readonly ip: string | null
  readonly user_agent: string | null
  /** What the user agent gives itself out for, in words; `null` where nobody can tell. */
  readonly device: string | null
  readonly current: boolean
}

/** The answer of `GET /auth/sessions`: live sessions, newest first. */
export interface SessionsResponse {
  readonly sessions: readonly Session[]
}

/** The answer of `DELETE /auth/sessions`: how many sessions have ended. */
export interface SessionsRevokedResponse {
  readonly revoked: number
}

/** The answer of `GET /auth/status`. */
export interface StatusResponse {
  readonly user: User
  readonly session: Session | null
  readonly token: {
    readonly id: string
    readonly type: 'access'
    readonly fresh: boolean
    readonly issued_at: string
    readonly expires_at: string
  }
}
