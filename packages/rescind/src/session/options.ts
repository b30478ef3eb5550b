import type { Clock } from '../base/clock.ts'
import { systemClock } from '../base/clock.ts'
import { boundedNumber } from '../base/config.ts'
import { configError, type RescindError } from '../base/errors.ts'
import { harmless } from '../base/harmless.ts'
import { type RandomSource, systemRandom } from '../base/ids.ts'
import type { JsonObject } from '../base/types.ts'
import type { Revocation } from '../revocation/revocation.ts'
import type { TokenTyp } from '../tokens/jws.ts'
import type { KeyRing } from '../tokens/key-ring.ts'
import { type CookieOptions, createTokenCookies, type TokenCookies } from '../web/cookies.ts'
import { type CsrfCheck, type CsrfOptions, createCsrfCheck } from '../web/csrf.ts'
import { createTokenLocator, type LocationOptions, type TokenLocator } from '../web/locations.ts'
import { checkedBoolean } from '../web/settings.ts'
import { type Hooks, readHooks } from './hooks.ts'
import type { Store } from './sessions.ts'

/** Everything `createRescind` can be told. Options are read once. */
export interface RescindOptions<User = unknown, Claims extends object = JsonObject, Identity = string>
  extends LocationOptions,
    Hooks<User, Claims, Identity> {
  /** Where revocations and sessions are kept. */
  readonly store: Store
  /** What signs and verifies. */
  readonly keys: KeyRing
  /** Written as `iss`, and then the only issuer accepted. @default none */
  readonly issuer?: string | undefined
  /** Written as `aud`, and then required of every token. @default none */
  readonly audience?: string | undefined
  /**
   * What the header of an access token calls it. `at+jwt` is for resource servers that go by RFC 9068; they also ask for
   * `issuer`, `audience` and a claim `client_id`. Both kinds are accepted, whichever is written.
   * @default 'JWT'
   */
  readonly accessTokenTyp?: TokenTyp | undefined
  /** Life of an access token in seconds. @default 900 */
  readonly accessTtlSeconds?: number | undefined
  /** Life of a refresh token in seconds; each rotation starts it anew. @default 2_592_000 (30 days) */
  readonly refreshTtlSeconds?: number | undefined
  /** No rotation extends a session past this many seconds after its login. @default 7_776_000 (90 days) */
  readonly sessionTtlSeconds?: number | undefined
  /**
   * The longest life of a token that is accepted, in seconds; raised to the other lives where they are longer. Every
   * revocation is kept that long, so keep it when you shorten the others: tokens minted before still live.
   * @default 2_592_000 (30 days)
   */
  readonly maxTokenTtlSeconds?: number | undefined
  /**
   * For how many milliseconds after a rotation the token before it still gets the same successor, for two tabs that
   * refresh at once or an answer that was lost. 0 makes any second use a reuse.
   * @default 10_000
   */
  readonly refreshGraceMs?: number | undefined
  /** Accepted past `exp` and before `nbf`, in milliseconds. @default 0 */
  readonly leewayMs?: number | undefined
  /** How far the clocks of other machines may run ahead, in milliseconds. @default 2_000 */
  readonly clockToleranceMs?: number | undefined
  /** How old, in milliseconds, the memory a request is answered from may be. @default 2_000 */
  readonly maxStalenessMs?: number | undefined
  /** `replica` answers from memory; `ask` asks the ledger for every request. @default 'replica' */
  readonly mode?: 'replica' | 'ask' | undefined
  /** When memory is too old and the ledger does not answer: refuse with 503, or let tokens pass. @default 'deny' */
  readonly onUnavailable?: 'deny' | 'allow' | undefined
  /** How long the ledger may take to answer when asked for one request, in milliseconds. @default 200 */
  readonly askTimeoutMs?: number | undefined
  /**
   * How many verified tokens are remembered, each from its second sight on; about 1 KiB each.
   * @default 10_000
   */
  readonly verifiedTokenCacheSize?: number | undefined
  /** The cookies that carry tokens, where `locations` names them. */
  readonly cookies?: CookieOptions | undefined
  /** How a request that carries its token in a cookie proves that a page of ours sent it; `false` asks for no proof. */
  readonly csrf?: CsrfOptions | false | undefined
  /**
   * A cookie access token with fewer seconds left is renewed with the answer to a request that it passed. 0 for never.
   * @default 0
   */
  readonly implicitRefreshSeconds?: number | undefined
  /** Takes a store that forgets everything at exit even with `NODE_ENV=production`. @default false */
  readonly allowVolatile?: boolean | undefined
  /** @default the machine's clock */
  readonly clock?: Clock | undefined
  /** @default the operating system's generator */
  readonly random?: RandomSource | undefined
  /** Told what an operator should know: weak keys, a broken feed. Never told a token or a secret. @default silent */
  readonly onWarning?: ((message: string) => void) | undefined
  /**
   * Told of each request that a guard answers with 500 or 503: the fault of a hook or a store, whose `cause` the answer
   * keeps to itself. The cause is as it was thrown: what your own hooks put into it is yours to keep out of a log.
   * @default silent
   */
  readonly onFailure?: ((error: RescindError) => void) | undefined
  /**
   * Told of each revocation that comes from elsewhere once this process goes by it, and how many milliseconds after its
   * `at` that is; 0 where the clock of the other machine runs ahead. What was recorded before this process began is left
   * out; what this process records itself is taken in before the ledger brings it back, and so is left out as a rule.
   * @default silent
   */
  readonly onArrival?: ((record: Revocation, delayMs: number) => void) | undefined
}

/** The options with every default filled in, and times in milliseconds. */
export interface Settings<User = unknown, Claims extends object = JsonObject, Identity = unknown> {
  readonly store: Store
  readonly keys: KeyRing
  readonly issuer: string | undefined
  readonly audience: string | undefined
  readonly accessTokenTyp: TokenTyp
  readonly accessTtlMs: number
  readonly refreshTtlMs: number
  readonly sessionTtlMs: number
  readonly maxTokenTtlMs: number
  readonly refreshGraceMs: number
  readonly leewayMs: number
  readonly clockToleranceMs: number
  readonly maxStalenessMs: number
  readonly mode: 'replica' | 'ask'
  readonly onUnavailable: 'deny' | 'allow'
  readonly askTimeoutMs: number
  readonly verifiedTokenCacheSize: number
  readonly hooks: Hooks<User, Claims, Identity>
  readonly locator: TokenLocator
  readonly cookies: TokenCookies
  /** `null` where no proof is asked for. A route may read cookies though the others do not. */
  readonly csrf: CsrfCheck | null
  /** Whether tokens name a CSRF token. */
  readonly namesCsrf: boolean
  readonly implicitRefreshMs: number
  readonly clock: Clock
  readonly random: RandomSource
  readonly onWarning: (message: string) => void
  readonly onFailure: (error: RescindError) => void
  readonly onArrival: (record: Revocation, delayMs: number) => void
}

const YEAR_SECONDS = 31_536_000
const MAX_GRACE_MS = 60_000

/** Checks the options and fills in the defaults. Throws RescindError `invalid_config`, naming the option. */
export function readOptions<User, Claims extends object, Identity>(
  options: RescindOptions<User, Claims, Identity>,
): Settings<User, Claims, Identity> {
  const { store, keys, issuer, audience } = options
  if (!store?.ledger || !store.sessions || !store.guarantees)
    throw configError('store is missing: give memoryStore() or another store')
  if (typeof keys?.candidates !== 'function') throw configError('keys is missing: give createKeyRing({ active: key })')
  // Only Node and what takes after it says where it runs.
  const isProduction = globalThis.process?.env?.NODE_ENV === 'production'
  const allowVolatile = checkedBoolean('allowVolatile', options.allowVolatile ?? false)
  if (!store.guarantees.durable && !allowVolatile && isProduction) {
    throw configError('this store forgets every revocation at exit: use a durable one, or say allowVolatile: true')
  }
  for (const [name, value] of Object.entries({ issuer, audience })) {
    if (value !== undefined && (typeof value !== 'string' || value === ''))
      throw configError(`${name} must be a string`)
  }
  const seconds = (name: `${'access' | 'refresh' | 'session' | 'maxToken'}TtlSeconds`, fallback: number) =>
    boundedNumber(name, options[name] ?? fallback, { min: 1, max: 10 * YEAR_SECONDS, unit: 'seconds' }) * 1000
  const ms = (
    name: 'refreshGraceMs' | 'leewayMs' | 'clockToleranceMs' | 'maxStalenessMs' | 'askTimeoutMs',
    fallback: number,
    [min, max]: readonly [number, number],
  ) => boundedNumber(name, options[name] ?? fallback, { min, max, unit: 'milliseconds' })
  const csrf = createCsrfCheck(options.csrf === false ? {} : (options.csrf ?? {}))
  const asksForCsrf = options.csrf !== false && (options.locations ?? []).includes('cookie')
  const cookies = createTokenCookies(options.cookies ?? {}, asksForCsrf && csrf.options.inCookies)
  const accessTtlMs = seconds('accessTtlSeconds', 900)
  const refreshTtlMs = seconds('refreshTtlSeconds', 2_592_000)
  return Object.freeze({
    store,
    keys,
    issuer,
    audience,
    accessTokenTyp: oneOf('accessTokenTyp', options.accessTokenTyp ?? 'JWT', ['JWT', 'at+jwt']),
    accessTtlMs,
    refreshTtlMs,
    maxTokenTtlMs: Math.max(seconds('maxTokenTtlSeconds', 2_592_000), accessTtlMs, refreshTtlMs),
    sessionTtlMs: seconds('sessionTtlSeconds', 7_776_000),
    refreshGraceMs: ms('refreshGraceMs', 10_000, [0, MAX_GRACE_MS]),
    leewayMs: ms('leewayMs', 0, [0, 600_000]),
    clockToleranceMs: ms('clockToleranceMs', 2_000, [0, 600_000]),
    maxStalenessMs: ms('maxStalenessMs', 2_000, [10, 600_000]),
    mode: oneOf('mode', options.mode ?? 'replica', ['replica', 'ask']),
    onUnavailable: oneOf('onUnavailable', options.onUnavailable ?? 'deny', ['deny', 'allow']),
    askTimeoutMs: ms('askTimeoutMs', 200, [1, 60_000]),
    verifiedTokenCacheSize: boundedNumber('verifiedTokenCacheSize', options.verifiedTokenCacheSize ?? 10_000, {
      min: 0,
      max: 10_000_000,
      unit: 'tokens',
    }),
    hooks: readHooks(options),
    locator: createTokenLocator(options, cookies),
    cookies,
    csrf: options.csrf === false ? null : csrf,
    namesCsrf: asksForCsrf,
    implicitRefreshMs:
      boundedNumber('implicitRefreshSeconds', options.implicitRefreshSeconds ?? 0, {
        min: 0,
        max: accessTtlMs / 1000 - 1,
        unit: 'seconds, fewer than an access token lives,',
      }) * 1000,
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    onWarning: harmless(options.onWarning),
    onFailure: harmless(options.onFailure),
    onArrival: harmless(options.onArrival),
  })
}

function oneOf<T extends string>(name: string, value: T, allowed: readonly T[]): T {
  if (!allowed.includes(value)) throw configError(`${name} must be one of ${allowed.join(', ')}`)
  return value
}
