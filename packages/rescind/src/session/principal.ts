import type { JsonObject, TokenType } from '../base/types.ts'

/** Who makes a request, by a token that was checked in every respect. `claims` and `header` are frozen at every depth. */
export interface Principal {
  readonly sub: string
  /** The login this token descends from; `undefined` for a foreign token that names none. */
  readonly sid: string | undefined
  readonly jti: string
  readonly type: TokenType
  /** Minted from a password or a step-up, and still fresh now. */
  readonly fresh: boolean
  /** The whole payload. */
  readonly claims: JsonObject
  /** The protected header. */
  readonly header: JsonObject
  /** The token itself. A secret: never log it. */
  readonly token: string
  /** Milliseconds since the epoch. */
  readonly issuedAtMs: number
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number
  /**
   * Aborts when the token is revoked, with `token_revoked`, or expires, with `token_expired`: close what the token has
   * opened (a WebSocket, a stream of events, a long download). Made at the first look, the same one ever after.
   *
   * @example
   * ```ts
   * principal.revoked.addEventListener('abort', () => socket.close(4401, 'session ended'), { once: true })
   * ```
   */
  readonly revoked: AbortSignal
}
