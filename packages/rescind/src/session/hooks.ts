import { configError, isRequestErrorCode, RescindError } from '../base/errors.ts'
import type { Awaitable, JsonObject, TokenType } from '../base/types.ts'
import type { KeyRing } from '../tokens/key-ring.ts'
import type { Key } from '../tokens/keys.ts'
import type { RequestView } from '../web/request.ts'
import type { Answer } from '../web/respond.ts'
import type { RequestErrorCode } from '../wire.ts'

/** For whom a token is minted. */
export interface TokenSubject<Identity> {
  readonly sub: string
  /** What the caller gave in place of `sub`; `undefined` where only `sub` is known, as when a session is refreshed. */
  readonly identity: Identity | undefined
  readonly type: TokenType
}

/** The answers to refused requests, by the code of the refusal. */
export type Answers = {
  readonly [Code in RequestErrorCode]?: (error: RescindError, request: RequestView) => Awaitable<Answer>
}

/**
 * What the program that uses the library has to say. Each may be synchronous or not. One that throws a
 * {@link RescindError} refuses with it; anything else that it throws becomes a 500 without a word of it.
 */
export interface Hooks<User, Claims extends object, Identity> {
  /** The `sub` of an identity that a token is minted for. @default the identity itself, which must be a string */
  readonly identity?: ((identity: Identity) => Awaitable<string>) | undefined
  /** Claims to add to every token; those given with the login win. They are made anew for each token that follows. */
  readonly claims?: ((subject: TokenSubject<Identity>) => Awaitable<JsonObject>) | undefined
  /** Header members to add to every token; those given at the mint win. */
  readonly headers?: ((subject: TokenSubject<Identity>) => Awaitable<JsonObject>) | undefined
  /** The key that signs a token, where it is not the same for all. @default the ring's active key */
  readonly signingKey?: ((subject: TokenSubject<Identity>) => Awaitable<Key>) | undefined
  /**
   * The keys that may verify a token, where they are not the same for all (one ring for each tenant). Asked at every
   * check with what the token says of itself, which nobody has vouched for yet: use it to choose, never to build, a key.
   * Give the same ring
   * for the same tenant: another ring is another tenant, whose tokens are not remembered and cannot be followed.
   */
  readonly verificationKeys?: ((header: JsonObject, claims: JsonObject) => Awaitable<KeyRing>) | undefined
  /**
   * Gives the claims their type. Throw to refuse the token with `claims_rejected`; the `parse` of a schema will do.
   * @default the claims as they are
   */
  readonly parseClaims?: ((claims: JsonObject) => Awaitable<Claims>) | undefined
  /** Whether the claims are acceptable; if not, the token is refused with `claims_rejected`. */
  readonly verifyClaims?: ((claims: Claims, header: JsonObject) => Awaitable<boolean>) | undefined
  /** A blocklist of one's own, asked for every request after the library's own check. */
  readonly isRevoked?: ((claims: Claims, header: JsonObject) => Awaitable<boolean>) | undefined
  /** The user whom a token stands for; `null` or `undefined` refuses it with `user_not_found`. */
  readonly user?: ((claims: Claims, header: JsonObject) => Awaitable<User | null | undefined>) | undefined
  /** Answers in place of the library's own. @default problem documents (RFC 9457) */
  readonly answers?: Answers | undefined
}

const HOOKS = [
  'identity',
  'claims',
  'headers',
  'signingKey',
  'verificationKeys',
  'parseClaims',
  'verifyClaims',
  'isRevoked',
  'user',
] as const

/** Takes the hooks out of the options. Throws `invalid_config` for one that is no function. */
export function readHooks<User, Claims extends object, Identity>(
  options: Hooks<User, Claims, Identity>,
): Hooks<User, Claims, Identity> {
  for (const name of HOOKS) {
    const hook: unknown = options[name]
    if (hook !== undefined && typeof hook !== 'function') throw configError(`${name} must be a function`)
  }
  for (const [code, answer] of Object.entries<unknown>(options.answers ?? {})) {
    if (!isRequestErrorCode(code)) throw configError(`answers.${code}: there is no such error code`)
    if (answer !== undefined && typeof answer !== 'function') throw configError(`answers.${code} must be a function`)
  }
  const { identity, claims, headers, signingKey, verificationKeys, parseClaims, verifyClaims, isRevoked, user } =
    options
  const { answers } = options
  return {
    identity,
    claims,
    headers,
    signingKey,
    verificationKeys,
    parseClaims,
    verifyClaims,
    isRevoked,
    user,
    answers,
  }
}

/** Calls a hook; what it throws becomes a {@link RescindError}. */
export async function callHook<T>(name: string, hook: () => Awaitable<T>): Promise<T> {
  try {
    return await hook()
  } catch (cause) {
    if (cause instanceof RescindError) throw cause
    throw new RescindError('internal_error', `The hook ${name} failed.`, { cause })
  }
}
