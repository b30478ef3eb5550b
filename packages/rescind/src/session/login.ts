import type { JsonObject, TokenType } from '../base/types.ts'

/** For whom tokens are minted: a `sub`, or an identity that the `identity` hook makes one of. */
export type Subject<Identity = string> =
  | { readonly sub: string; readonly identity?: never }
  | { readonly identity: Identity; readonly sub?: never }

/** A login to issue tokens for. */
export type Login<Identity = string> = Subject<Identity> & {
  /** Minted from a password or a step-up: for as long as the access token lives, or for so many seconds. @default true */
  readonly fresh?: boolean | number | undefined
  /** Additional claims, carried by all tokens of the whole session. */
  readonly claims?: JsonObject | undefined
  /** Further header members of the two tokens. */
  readonly headers?: JsonObject | undefined
  /** Shown in the list of sessions. */
  readonly ip?: string | null | undefined
  /** Shown in the list of sessions. */
  readonly userAgent?: string | null | undefined
}

/** One token that belongs to no session: it can be revoked by its `jti`, and with all of its user's. */
export type SingleToken<Identity = string> = Subject<Identity> & {
  /** @default 'access' */
  readonly type?: TokenType | undefined
  /** Fresh for as long as it lives, or for so many seconds. @default false */
  readonly fresh?: boolean | number | undefined
  /** @default the `accessTtlSeconds` or `refreshTtlSeconds` of the options; at most `maxTokenTtlSeconds` */
  readonly ttlSeconds?: number | undefined
  readonly claims?: JsonObject | undefined
  readonly headers?: JsonObject | undefined
}
