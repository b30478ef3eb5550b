import { configError, isRequestErrorCode, RescindError } from '../../base/errors.ts'
import type { Decision } from '../../session/guard.ts'
import type { RequestView } from '../../web/request.ts'
import { isFresh } from './claims.ts'
import type { FlaskConfig } from './config.ts'
import type { Decode } from './decode.ts'
import type { FlaskLoaders } from './loaders.ts'
import { createTokenSearch } from './locations.ts'
import { type FlaskLocation, readLocations } from './options.ts'
import type { FlaskPrincipal } from './principal.ts'
import { invalid, refusalOf, refused, type ShownToken } from './refusals.ts'
import type { FlaskRevocation } from './revocation.ts'

/** What a route asks of a token: the arguments of `jwt_required`. */
export interface FlaskCheckOptions {
  /** Lets a request without a token pass, with no principal. @default false */
  readonly optional?: boolean | undefined
  /** Asks for a fresh token. @default false */
  readonly fresh?: boolean | undefined
  /** Asks for a refresh token in place of an access token. @default false */
  readonly refresh?: boolean | undefined
  /** Where this route looks for its token. @default `JWT_TOKEN_LOCATION` */
  readonly locations?: FlaskLocation | readonly FlaskLocation[] | undefined
  /** `false` takes tokens of either type. @default true */
  readonly verifyType?: boolean | undefined
  /** `true` does not ask whether the token was revoked. @default false */
  readonly skipRevocationCheck?: boolean | undefined
}

/** What the guard is composed of. */
export interface GuardParts<User, Subject> {
  readonly config: FlaskConfig
  readonly loaders: FlaskLoaders<User, Subject>
  readonly decode: Decode
  readonly revocation: FlaskRevocation
  readonly wallNow: () => number
}

/** Says whether a request may pass. */
export interface FlaskGuard<User> {
  /** Never rejects. A loader's failure is an `internal_error`, whose `cause` tells it. */
  check(request: RequestView, options?: FlaskCheckOptions): Promise<Decision<FlaskPrincipal<User>>>
  /** Rejects with the refusal of a revoked token. */
  refuseRevoked(token: ShownToken): Promise<void>
}

/** Walks a request through the original's checks, in the original's order. */
export function createGuard<User, Subject>(parts: GuardParts<User, Subject>): FlaskGuard<User> {
  const { config, loaders, decode, revocation, wallNow } = parts
  const { settings } = config
  const search = createTokenSearch(config)

  const refuseRevoked = async (token: ShownToken): Promise<void> => {
    const listed = loaders.tokenInBlocklist ? await loaders.tokenInBlocklist(token.header, token.claims) : false
    // A forgotten `return` must not let revoked tokens through.
    if (typeof listed !== 'boolean') throw configError('the tokenInBlocklist loader must answer true or false')
    if (listed || (await revocation.isRevoked(token.claims, wallNow()))) throw refused('revoked', token)
  }

  const findUser = async (token: ShownToken): Promise<User | undefined> => {
    if (loaders.userLookup === undefined) return undefined
    const user = await loaders.userLookup(token.header, token.claims)
    if (user === null || user === undefined) throw refused('userNotFound', token)
    return user
  }

  const walk = async (request: RequestView, options: FlaskCheckOptions): Promise<FlaskPrincipal<User>> => {
    const { refresh = false, fresh = false, verifyType = true, skipRevocationCheck = false } = options
    const locations = readLocations(options.locations ?? settings.JWT_TOKEN_LOCATION, 'locations')
    const carried = search(request, refresh ? 'refresh' : 'access', locations)
    const shown = await decode(carried.token, { csrfValue: carried.csrf })
    const { header, claims } = shown
    if (verifyType) checkType(claims.type, refresh)
    if (fresh && !isFresh(claims, wallNow())) throw refused('needsFresh', shown)
    if (!skipRevocationCheck) await refuseRevoked(shown)
    if (loaders.tokenVerification && (await loaders.tokenVerification(header, claims)) !== true) {
      throw refused('verificationFailed', shown)
    }
    const user = await findUser(shown)
    return Object.freeze({
      identity: claims[settings.JWT_IDENTITY_CLAIM] ?? null,
      claims,
      header,
      location: carried.location,
      // Without the loader there is no user, and the type parameter says so.
      user: user as User,
      jti: typeof claims.jti === 'string' ? claims.jti : null,
      expiresAtMs: typeof claims.exp === 'number' ? claims.exp * 1000 : undefined,
      token: String(carried.token),
    })
  }

  return {
    refuseRevoked,
    async check(request, options = {}) {
      if (request.method.toUpperCase() === 'OPTIONS') return { ok: true, principal: null }
      try {
        return { ok: true, principal: await walk(request, options) }
      } catch (error) {
        if (options.optional === true && isMissing(error)) return { ok: true, principal: null }
        return { ok: false, error: asRefusal(error) }
      }
    },
  }
}

function checkType(type: unknown, refresh: boolean): void {
  // The original takes any type but "refresh" for an access token, and so tokens of another purpose (RFC 8725 §3.12).
  if (!refresh && type !== 'access') throw invalid('Only non-refresh tokens are allowed', 'wrong_token_type')
  if (refresh && type !== 'refresh') throw invalid('Only refresh tokens are allowed', 'wrong_token_type')
}

function isMissing(error: unknown): boolean {
  return error instanceof RescindError && error.code === 'token_missing' && refusalOf(error) !== undefined
}

function asRefusal(error: unknown): RescindError {
  if (error instanceof RescindError && isRequestErrorCode(error.code)) return error
  return new RescindError('internal_error', 'A request could not be checked.', { cause: error })
}
