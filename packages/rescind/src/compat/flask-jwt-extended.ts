import { type Clock, systemClock } from '../base/clock.ts'
import type { RescindError } from '../base/errors.ts'
import { harmless } from '../base/harmless.ts'
import { type RandomSource, systemRandom } from '../base/ids.ts'
import type { JsonObject, JsonValue } from '../base/types.ts'
import type { RequestGuard } from '../session/request-guard.ts'
import type { Revoke } from '../session/revoke.ts'
import type { Store } from '../session/sessions.ts'
import type { TokenSlot } from '../web/carried-token.ts'
import { createAnswers } from './flask-jwt-extended/answers.ts'
import type { FlaskConfig } from './flask-jwt-extended/config.ts'
import { createDecode, type DecodeOptions } from './flask-jwt-extended/decode.ts'
import { type CreateAccessOptions, type CreateOptions, createEncode } from './flask-jwt-extended/encode.ts'
import { createGuard, type FlaskCheckOptions } from './flask-jwt-extended/guard.ts'
import type { FlaskLoaders } from './flask-jwt-extended/loaders.ts'
import type { FlaskPrincipal } from './flask-jwt-extended/principal.ts'
import { readUnverified } from './flask-jwt-extended/pyjwt-words.ts'
import { invalid } from './flask-jwt-extended/refusals.ts'
import { createRenewal } from './flask-jwt-extended/renewal.ts'
import { createRevocation, type FlaskRevocationOptions } from './flask-jwt-extended/revocation.ts'

export { type FlaskConfig, fromFlaskConfig } from './flask-jwt-extended/config.ts'
export type { DecodeOptions } from './flask-jwt-extended/decode.ts'
export type { CreateAccessOptions, CreateOptions } from './flask-jwt-extended/encode.ts'
export type { FlaskCheckOptions } from './flask-jwt-extended/guard.ts'
export type { FlaskKey } from './flask-jwt-extended/keys.ts'
export type { FlaskAnswer, FlaskLoaders } from './flask-jwt-extended/loaders.ts'
export type { FlaskLocation, FlaskOptions, FlaskSettings, TimeSpan } from './flask-jwt-extended/options.ts'
export type { FlaskPrincipal } from './flask-jwt-extended/principal.ts'
export type { FlaskRevocationOptions } from './flask-jwt-extended/revocation.ts'

/** What {@link createFlaskJwt} is told beside the configuration. */
export interface FlaskJwtOptions<User = unknown, Subject = JsonValue> {
  readonly loaders?: FlaskLoaders<User, Subject> | undefined
  /** Where revocations are kept. @default none: what is revoked, the `tokenInBlocklist` loader alone says */
  readonly store?: Store | undefined
  /** How the library stands to the store. */
  readonly revocation?: FlaskRevocationOptions | undefined
  /** Renews access tokens in cookies. @default none are renewed */
  readonly implicitRefresh?: ImplicitRefresh<User, Subject> | undefined
  /** @default the machine's clock */
  readonly clock?: Clock | undefined
  /** @default the operating system's generator */
  readonly random?: RandomSource | undefined
  /** Told what an operator should know: weak keys, a broken feed. Never told a token or a secret. @default silent */
  readonly onWarning?: ((message: string) => void) | undefined
  /** Told of each request that a guard answers with 500 or 503, with the `cause` that the answer keeps to itself. @default silent */
  readonly onFailure?: ((error: RescindError) => void) | undefined
}

/**
 * The renewal that the original's guide has in an `after_request` function: an access token in a cookie gets a
 * successor, which is not fresh, in the answer to a request that it made near its end.
 */
export interface ImplicitRefresh<User = unknown, Subject = JsonValue> {
  /** A token with less left is renewed. */
  readonly seconds: number
  /** For whom the new token is created. @default the identity of the old one */
  readonly subject?: ((principal: FlaskPrincipal<User>) => Subject | Promise<Subject>) | undefined
}

/** For whom cookies are set or unset. */
export interface CookieTarget {
  /** @default `JWT_COOKIE_DOMAIN` */
  readonly domain?: string | undefined
}

/** How cookies are set. */
export interface SetCookieOptions extends CookieTarget {
  /** @default as `JWT_SESSION_COOKIE` says: until the browser is closed, or a year */
  readonly maxAgeSeconds?: number | undefined
}

/** What flask-jwt-extended is to a Flask application. Made by {@link createFlaskJwt}; an adapter takes it as a guard. */
export interface FlaskJwt<User = unknown, Subject = JsonValue>
  extends RequestGuard<FlaskPrincipal<User>, FlaskCheckOptions> {
  /** Resolves once the revocations of the store have been read; until then guarded requests get a 503. */
  ready(): Promise<void>
  /** Stops following the store, which stays open. */
  close(): Promise<void>
  /** `verify_jwt_in_request`: the same as `check`. */
  readonly verifyJwtInRequest: RequestGuard<FlaskPrincipal<User>, FlaskCheckOptions>['check']
  createAccessToken(subject: Subject, options?: CreateAccessOptions): Promise<string>
  createRefreshToken(subject: Subject, options?: CreateOptions): Promise<string>
  /**
   * The payload of a good token; nothing is asked about revocation. Rejects with the `code` that refuses it and the
   * original's words as message.
   */
  decodeToken(token: string, options?: DecodeOptions): Promise<JsonObject>
  /** The header of a token of which nothing is checked. Throws `token_invalid` for what is no token. */
  getUnverifiedJwtHeaders(token: string): JsonObject
  getJti(token: string): Promise<string | null>
  getCsrfToken(token: string): Promise<string>
  /** `Set-Cookie` values: the token, and its CSRF token where that is called for. */
  setAccessCookies(accessToken: string, options?: SetCookieOptions): Promise<readonly string[]>
  /** `Set-Cookie` values: the token, and its CSRF token where that is called for. */
  setRefreshCookies(refreshToken: string, options?: SetCookieOptions): Promise<readonly string[]>
  /** `Set-Cookie` values that take all cookies back. */
  unsetJwtCookies(target?: CookieTarget): readonly string[]
  unsetAccessCookies(target?: CookieTarget): readonly string[]
  unsetRefreshCookies(target?: CookieTarget): readonly string[]
  /** Kills tokens, as `Rescind.revoke` does. Throws `invalid_config` without a store. */
  readonly revoke: Revoke
}

/** The `max-age` that the original gives to cookies which outlive the browser's session: a year. */
const YEAR_SECONDS = 31_540_000

/**
 * Issues, checks and answers as flask-jwt-extended 4.7.1 does, over PyJWT 2.12: options, loaders, error bodies and
 * statuses. What is stricter here is listed in `docs/reference/from-flask-jwt-extended.md`.
 *
 * @throws RescindError `invalid_config` where a key is missing that no loader stands in for
 * @example
 * ```ts
 * const jwt = createFlaskJwt(fromFlaskConfig({ JWT_SECRET_KEY: secret }), {
 *   loaders: { userLookup: (_header, { sub }) => users.find(sub) },
 *   store: sqliteStore(database),
 * })
 * await jwt.ready()
 * const guard = fastifyGuard(jwt, { fresh: true })
 * app.get('/me', { preHandler: guard }, (request) => guard.principal(request).user)
 * ```
 */
export function createFlaskJwt<User = unknown, Subject = JsonValue>(
  config: FlaskConfig,
  options: FlaskJwtOptions<User, Subject> = {},
): FlaskJwt<User, Subject> {
  const { loaders = {}, store, clock = systemClock, random = systemRandom, onWarning = () => {} } = options
  const { implicitRefresh } = options
  const { settings, csrf } = config
  const wallNow = () => clock.now()
  for (const warning of config.keys.signing?.warnings ?? []) onWarning(warning)
  const engine = { ...options.revocation, clock, random, onWarning }
  const revocation = createRevocation(store, engine, settings.JWT_IDENTITY_CLAIM)
  const encode = createEncode(config, loaders, { wallNow, random })
  const decode = createDecode(config, loaders, wallNow)
  const guard = createGuard({ config, loaders, decode, revocation, wallNow })
  const answer = createAnswers(loaders, settings, harmless(options.onFailure))

  const decodeToken = async (token: string, given?: DecodeOptions) => (await decode(token, given)).claims
  const getCsrfToken = async (token: string): Promise<string> => {
    const { csrf: value } = await decodeToken(token)
    if (typeof value !== 'string') throw invalid('Missing claim: csrf')
    return value
  }
  const cookiesOf = ({ domain, maxAgeSeconds }: SetCookieOptions) =>
    config.cookies({ domain, session: settings.JWT_SESSION_COOKIE && !maxAgeSeconds })
  const setCookies = async (slot: TokenSlot, token: string, given: SetCookieOptions = {}) =>
    cookiesOf(given).set(slot, {
      token,
      csrf: csrf?.options.inCookies ? await getCsrfToken(token) : null,
      maxAgeSeconds: given.maxAgeSeconds || YEAR_SECONDS,
    })
  const unsetCookies = (slot: TokenSlot, target: CookieTarget = {}) => cookiesOf(target).unset(slot)
  const createAccessToken: FlaskJwt<User, Subject>['createAccessToken'] = (subject, given) =>
    encode(subject, 'access', given)
  const setAccessCookies: FlaskJwt['setAccessCookies'] = (token, given) => setCookies('access', token, given)
  const renewed = async (principal: FlaskPrincipal<User>) => {
    // As the original's guide does: without a word to the contrary, what tokens are created for is their identity.
    const subject = (await implicitRefresh?.subject?.(principal)) ?? (principal.identity as Subject)
    return setAccessCookies(await createAccessToken(subject))
  }

  return {
    ready: revocation.ready,
    close: revocation.close,
    check: guard.check,
    verifyJwtInRequest: guard.check,
    answer,
    ...createRenewal({
      seconds: implicitRefresh?.seconds ?? 0,
      wallNow,
      touches: (values) => cookiesOf({}).touches('access', values),
      refuseRevoked: guard.refuseRevoked,
      renewed,
      onWarning,
    }),
    createAccessToken,
    createRefreshToken: (subject, given) => encode(subject, 'refresh', { ...given, fresh: false }),
    decodeToken,
    getUnverifiedJwtHeaders(token) {
      const unverified = readUnverified(token)
      if (typeof unverified === 'string') throw invalid(unverified)
      return unverified.header
    },
    async getJti(token) {
      const { jti } = await decodeToken(token)
      return typeof jti === 'string' ? jti : null
    },
    getCsrfToken,
    setAccessCookies,
    setRefreshCookies: (token, given) => setCookies('refresh', token, given),
    unsetJwtCookies: (target) => [...unsetCookies('access', target), ...unsetCookies('refresh', target)],
    unsetAccessCookies: (target) => unsetCookies('access', target),
    unsetRefreshCookies: (target) => unsetCookies('refresh', target),
    get revoke() {
      return revocation.revoke
    },
  }
}
