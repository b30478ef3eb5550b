import type { JsonObject, JsonValue } from '../../base/types.ts'
import type { FlaskLocation } from './options.ts'

/** Who makes a request: what the original's `get_jwt*` functions and `current_user` tell. Frozen at every depth. */
export interface FlaskPrincipal<User = unknown> {
  /** `get_jwt_identity()`: the identity claim. */
  readonly identity: JsonValue
  /** `get_jwt()`: the whole payload, with `type`, `fresh` and `jti` filled in where the token has none. */
  readonly claims: JsonObject
  /** `get_jwt_header()`. */
  readonly header: JsonObject
  /** `get_jwt_request_location()`. */
  readonly location: FlaskLocation
  /** `current_user`: whom the `userLookup` loader found; `undefined` without that loader. */
  readonly user: User
  /** `null` for a foreign token that has none. */
  readonly jti: string | null
  /** `undefined` for a token without end. Milliseconds since the epoch. */
  readonly expiresAtMs: number | undefined
  /** The token itself. A secret: never log it. */
  readonly token: string
}
