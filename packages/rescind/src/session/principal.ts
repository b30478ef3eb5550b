import type { JsonObject, TokenType } from '../base/types.ts'
import type { LocationName } from '../web/locations.ts'

/** Who makes a request, by a token that was checked in every respect. `claims` and `header` are frozen at every depth. */
export interface Principal<User = unknown, Claims extends object = JsonObject> {
  readonly sub: string
  /** The login this token descends from; `undefined` for a foreign token that names none. */
  readonly sid: string | undefined
  readonly jti: string
  readonly type: TokenType
  /** Minted from a password or a step-up, and still fresh now. */
  readonly fresh: boolean
  /** The whole payload. */
  readonly claims: Claims
  /** Whom the `user` hook found; `undefined` without that hook. */
  readonly user: User
  /** Where the request carried the token; `null` for one that came some other way. */
  readonly location: LocationName | null
  /**
   * What a page has to submit along with a cookie that holds this token; `null` for a token that names none. A secret of
   * the user's.
   */
  readonly csrf: string | null
  /** The protected header. */
  readonly header: JsonObject
  /** The token itself. A secret: never log it. */
  readonly token: string
  /** Milliseconds since the epoch. */
  readonly issuedAtMs: number
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number
  /** When the user last proved who they are (`auth_time`), in milliseconds since the epoch; `null` where it is not told. */
  readonly authenticatedAtMs: number | null
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
