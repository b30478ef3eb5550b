import type { JsonObject, JsonValue } from '../../base/types.ts'
import type { FlaskKey } from './keys.ts'

/** What an answering loader answers a refused request with. */
export interface FlaskAnswer {
  readonly status: number
  readonly body: object
  /** Further headers, by lower-case names. */
  readonly headers?: Readonly<Record<string, string>>
}

type Awaitable<T> = T | Promise<T>
type AnswerToToken = (header: JsonObject, claims: JsonObject) => Awaitable<FlaskAnswer>

/**
 * The loaders of the original. Each may be asynchronous; one that throws or rejects gets the request a 500 without a
 * word of why, and the reason is the `cause` of the error.
 *
 * @typeParam User what the user lookup finds
 * @typeParam Subject what tokens are created for
 */
export interface FlaskLoaders<User = unknown, Subject = JsonValue> {
  /** Further claims for a new token. Those given at its creation win. */
  readonly additionalClaims?: (subject: Subject) => Awaitable<JsonObject>
  /** Further header members for a new token. Those given at its creation win. */
  readonly additionalHeaders?: (subject: Subject) => Awaitable<JsonObject>
  /** The key to check a token with. Nothing of the token that is shown has been checked yet. */
  readonly decodeKey?: (header: JsonObject, claims: JsonObject) => Awaitable<FlaskKey>
  /** The key to sign a new token with. */
  readonly encodeKey?: (subject: Subject) => Awaitable<FlaskKey>
  /** Answers an expired token. @default 401 `Token has expired` */
  readonly expiredToken?: AnswerToToken
  /** Answers a token that is not valid. @default 422 and the reason */
  readonly invalidToken?: (reason: string) => Awaitable<FlaskAnswer>
  /** Answers a token that is not fresh. @default 401 `Fresh token required` */
  readonly needsFreshToken?: AnswerToToken
  /** Answers a revoked token. @default 401 `Token has been revoked` */
  readonly revokedToken?: AnswerToToken
  /** Says whether a token has been revoked: true or false, and nothing else. */
  readonly tokenInBlocklist?: (header: JsonObject, claims: JsonObject) => Awaitable<boolean>
  /** A last word on a genuine token: anything but `true` refuses it. */
  readonly tokenVerification?: (header: JsonObject, claims: JsonObject) => Awaitable<boolean>
  /** Answers a token that `tokenVerification` refused. @default 400 `User claims verification failed` */
  readonly tokenVerificationFailed?: AnswerToToken
  /** Answers a request without a token, or without its CSRF token. @default 401 and the reason */
  readonly unauthorized?: (reason: string) => Awaitable<FlaskAnswer>
  /** The identity to write into a token for a subject. @default the subject itself */
  readonly userIdentity?: (subject: Subject) => Awaitable<JsonValue>
  /** The user of a token, for `principal.user`; `null` refuses the request. */
  readonly userLookup?: (header: JsonObject, claims: JsonObject) => Awaitable<User | null | undefined>
  /** Answers a token whose user was not found. @default 401 `Error loading the user {identity}` */
  readonly userLookupError?: AnswerToToken
}
