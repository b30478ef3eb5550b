import { encodeBase64Url, sha256 } from '#crypto'
import { createIdSource, type RandomSource, uuidV7 } from '../base/ids.ts'
import type { Awaitable, JsonObject, TokenType } from '../base/types.ts'
import { signingKey } from '../tokens/key-ring.ts'
import type { Key } from '../tokens/keys.ts'
import { mintToken, type TokenOrder } from '../tokens/mint.ts'
import { callHook, type TokenSubject } from './hooks.ts'
import type { Settings } from './options.ts'

/** The two tokens of a login, and how long each lives. */
export interface TokenPair {
  readonly accessToken: string
  readonly refreshToken: string
  readonly expiresInSeconds: number
  readonly refreshExpiresInSeconds: number
  /**
   * What a page has to submit along with the access token, where that travels in a cookie; `null` where cookies are not
   * read or need none.
   */
  readonly csrfToken: string | null
  /** The same for the refresh token. */
  readonly refreshCsrfToken: string | null
  readonly sid: string
  readonly sub: string
}

/** What every token of one mint has in common. Times are milliseconds since the epoch. */
export interface MintOrder<Identity> {
  readonly sub: string
  readonly identity: Identity | undefined
  readonly sid: string | undefined
  readonly authTimeMs: number | undefined
  readonly claims: JsonObject | undefined
  readonly headers: JsonObject | undefined
}

/** What differs from token to token. */
export type TokenFacts = Pick<TokenOrder, 'type' | 'jti' | 'fresh' | 'issuedAtMs' | 'expiresAtMs'> & {
  /** What the CSRF token is derived from, for a token that has to come out the same each time. @default chance */
  readonly csrfSeed?: string | undefined
}

/** What a pair is minted from. Times are milliseconds since the epoch. */
export interface PairOrder<Identity> extends MintOrder<Identity> {
  readonly sid: string
  readonly fresh: boolean | number
  readonly nowMs: number
  /** No token outlives the session. */
  readonly endsAtMs: number
  readonly refresh: Pick<TokenFacts, 'jti' | 'expiresAtMs'>
  /** As {@link TokenFacts.csrfSeed}, for both tokens. */
  readonly csrfSeed?: string | undefined
}

/** A token that was minted, with what a page has to know of it. */
export interface MintedToken {
  readonly token: string
  readonly csrf: string | null
}

/** What the hooks made for one token, or what there is without them. */
interface Made extends Pick<TokenOrder, 'claims' | 'headers' | 'derived'> {
  readonly key: Key
}

/** Mints tokens by the settings and hooks. */
export interface TokenFactory<Identity> {
  newId(nowMs: number): string
  /** Throws or rejects with `invalid_config` for claims that cannot be signed, and with what a hook threw. */
  mint(order: MintOrder<Identity>, facts: TokenFacts): Awaitable<MintedToken>
  pair(order: PairOrder<Identity>): Promise<TokenPair>
}

const CSRF_BYTES = 32

/** Composes minting with issuer, audience, the hooks and the active key, which is looked up for each token. */
export function createTokenFactory<User, Claims extends object, Identity>(
  settings: Settings<User, Claims, Identity>,
): TokenFactory<Identity> {
  const { keys, issuer, audience, accessTokenTyp, accessTtlMs, hooks, random } = settings
  const newId = createIdSource(random)

  const hasHooks = [hooks.claims, hooks.headers, hooks.signingKey].some((hook) => hook !== undefined)

  /** Most programs leave minting to the library: then nobody has to be waited for. */
  const madeFor = (subject: TokenSubject<Identity>, { claims, headers }: MintOrder<Identity>): Awaitable<Made> => {
    if (hasHooks) return askHooks(subject, { claims, headers })
    return { claims, headers, derived: [], key: signingKey(keys) }
  }
  const askHooks = async (subject: TokenSubject<Identity>, given: Pick<MintOrder<Identity>, 'claims' | 'headers'>) => {
    const { claims: claimsHook, headers: headersHook, signingKey: keyHook } = hooks
    const claims = claimsHook === undefined ? {} : await callHook('claims', () => claimsHook(subject))
    const headers = headersHook === undefined ? {} : await callHook('headers', () => headersHook(subject))
    const key = keyHook === undefined ? signingKey(keys) : await callHook('signingKey', () => keyHook(subject))
    return {
      claims: { ...claims, ...given.claims },
      derived: Object.keys(claims).filter((name) => !Object.hasOwn(given.claims ?? {}, name)),
      headers: headersHook === undefined ? given.headers : { ...headers, ...given.headers },
      key,
    }
  }

  const mint: TokenFactory<Identity>['mint'] = (order, facts) => {
    const { sub, sid, authTimeMs } = order
    const { type, jti, fresh, issuedAtMs, expiresAtMs } = facts
    const csrf = settings.namesCsrf ? csrfToken(facts.csrfSeed ?? drawn(random)) : undefined
    const sign = ({ claims, headers, derived, key }: Made) =>
      mintToken(
        {
          type,
          sub,
          jti,
          sid,
          fresh,
          issuedAtMs,
          expiresAtMs,
          issuer,
          audience,
          authTimeMs,
          csrf,
          claims,
          derived,
          headers,
          typ: type === 'access' ? accessTokenTyp : 'JWT',
        },
        key,
      )
    const minted = (token: string): MintedToken => ({ token, csrf: csrf ?? null })
    const made = madeFor({ sub, identity: order.identity, type }, order)
    const token = made instanceof Promise ? made.then(sign) : sign(made)
    return token instanceof Promise ? token.then(minted) : minted(token)
  }

  const secondsUntil = (ms: number) => Math.max(0, Math.floor((ms - settings.clock.now()) / 1000))

  return {
    newId,
    mint,
    async pair(order) {
      const { sub, sid, nowMs, endsAtMs, fresh, refresh, csrfSeed } = order
      const seed = (type: TokenType) => (csrfSeed === undefined ? undefined : `${type} ${csrfSeed}`)
      const expiresAtMs = Math.min(nowMs + accessTtlMs, endsAtMs)
      const dates = { issuedAtMs: nowMs, expiresAtMs }
      const refreshToken = await mint(order, {
        ...dates,
        ...refresh,
        type: 'refresh',
        fresh: false,
        csrfSeed: seed('refresh'),
      })
      const jti = newId(nowMs)
      const accessToken = await mint(order, { ...dates, jti, type: 'access', fresh, csrfSeed: seed('access') })
      return {
        accessToken: accessToken.token,
        refreshToken: refreshToken.token,
        expiresInSeconds: secondsUntil(expiresAtMs),
        refreshExpiresInSeconds: secondsUntil(refresh.expiresAtMs),
        csrfToken: accessToken.csrf,
        refreshCsrfToken: refreshToken.csrf,
        sid,
        sub,
      }
    },
  }
}

/** What a store keeps of a refresh token in place of its id. */
export function refreshHash(jti: string): string {
  return encodeBase64Url(sha256(`rescind refresh token\0${jti}`))
}

/**
 * The id of the token that follows another. It is derived, not drawn, so that every request that presents the same
 * parent gets the same successor, while the store holds nothing but hashes.
 */
export function successorJti(parentJti: string, issuedAtMs: number, type: TokenType = 'refresh'): string {
  return uuidV7(issuedAtMs, sha256(`rescind ${type} successor\0${parentJti}`))
}

function drawn(random: RandomSource): Uint8Array {
  const bytes = new Uint8Array(CSRF_BYTES)
  random(bytes)
  return bytes
}

// A seed is a secret itself: a parent token, or 256 bits of chance.
function csrfToken(seed: string | Uint8Array): string {
  return encodeBase64Url(sha256('rescind csrf\0', seed))
}
