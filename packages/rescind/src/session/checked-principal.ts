import type { JsonObject, TokenIds, TokenType } from '../base/types.ts'
import type { VerifiedToken } from '../tokens/verify.ts'
import type { LocationName } from '../web/locations.ts'
import type { Principal } from './principal.ts'

/** A signal that aborts when a record kills these ids, or at a time in milliseconds since the epoch. */
export type Watch = (ids: TokenIds, expiresAtMs: number) => AbortSignal

/** What became of a token on its way through the checks. */
export interface PassedToken<User, Claims> {
  readonly verified: VerifiedToken
  readonly fresh: boolean
  readonly location: LocationName | null
  readonly claims: Claims
  readonly user: User
}

/** The principal of a token that passed. A class, so that the signal costs nothing until somebody looks at it. */
export class CheckedPrincipal<User, Claims extends object> implements Principal<User, Claims> {
  readonly sub: string
  readonly sid: string | undefined
  readonly jti: string
  readonly type: TokenType
  readonly fresh: boolean
  readonly claims: Claims
  readonly user: User
  readonly location: LocationName | null
  readonly csrf: string | null
  readonly header: JsonObject
  readonly token: string
  readonly issuedAtMs: number
  readonly expiresAtMs: number
  readonly authenticatedAtMs: number | null
  readonly #watch: Watch
  #revoked: AbortSignal | undefined

  constructor({ verified, fresh, location, claims, user }: PassedToken<User, Claims>, watch: Watch) {
    this.sub = verified.sub
    this.sid = verified.sid
    this.jti = verified.jti
    this.type = verified.type
    this.fresh = fresh
    this.claims = claims
    this.user = user
    this.location = location
    this.csrf = verified.csrf ?? null
    this.header = verified.header
    this.token = verified.token
    this.issuedAtMs = verified.iatMs
    this.expiresAtMs = verified.expMs
    this.authenticatedAtMs = verified.authTimeMs ?? null
    this.#watch = watch
  }

  /** Without the token and what else is a secret: principals end up in logs. */
  toJSON(): object {
    const { sub, sid, jti, type, fresh, location, issuedAtMs, expiresAtMs } = this
    return { sub, sid, jti, type, fresh, location, issuedAtMs, expiresAtMs }
  }

  get revoked(): AbortSignal {
    const { jti, sid, sub, issuedAtMs: iatMs } = this
    this.#revoked ??= this.#watch({ jti, sid, sub, iatMs }, this.expiresAtMs)
    return this.#revoked
  }
}
