import type { JsonObject, TokenIds, TokenType } from '../base/types.ts'
import type { VerifiedToken } from '../tokens/verify.ts'
import type { Principal } from './principal.ts'

/** A signal that aborts when a record kills these ids, or at a time in milliseconds since the epoch. */
export type Watch = (ids: TokenIds, expiresAtMs: number) => AbortSignal

/** The principal of a token that passed. A class, so that the signal costs nothing until somebody looks at it. */
export class CheckedPrincipal implements Principal {
  readonly sub: string
  readonly sid: string | undefined
  readonly jti: string
  readonly type: TokenType
  readonly fresh: boolean
  readonly claims: JsonObject
  readonly header: JsonObject
  readonly token: string
  readonly issuedAtMs: number
  readonly expiresAtMs: number
  readonly #watch: Watch
  #revoked: AbortSignal | undefined

  constructor(verified: VerifiedToken, fresh: boolean, watch: Watch) {
    this.sub = verified.sub
    this.sid = verified.sid
    this.jti = verified.jti
    this.type = verified.type
    this.fresh = fresh
    this.claims = verified.claims
    this.header = verified.header
    this.token = verified.token
    this.issuedAtMs = verified.iatMs
    this.expiresAtMs = verified.expMs
    this.#watch = watch
  }

  get revoked(): AbortSignal {
    const { jti, sid, sub, issuedAtMs: iatMs } = this
    this.#revoked ??= this.#watch({ jti, sid, sub, iatMs }, this.expiresAtMs)
    return this.#revoked
  }
}
