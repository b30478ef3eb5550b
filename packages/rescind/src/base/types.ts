/** A value that JSON can hold. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue }

/** A JSON object. */
export type JsonObject = { readonly [key: string]: JsonValue }

/** A value, now or later. */
export type Awaitable<T> = T | Promise<T>

/** What a token is for. */
export type TokenType = 'access' | 'refresh'

/** The ids a revocation can name, as one token carries them. `iatMs` is when it was issued, in milliseconds. */
export interface TokenIds {
  readonly jti: string | undefined
  readonly sid: string | undefined
  readonly sub: string | undefined
  readonly iatMs: number
}
