import { configError } from '../base/errors.ts'
import { mediaType, ownField } from './body-field.ts'
import { type LocationName, type MissingToken, malformed, type TokenReader, type TokenSlot } from './carried-token.ts'
import type { TokenCookies } from './cookies.ts'
import { createHeaderReader, type HeaderOptions } from './header-token.ts'
import type { RequestView } from './request.ts'
import { checkedChoice, checkedText } from './settings.ts'

export type { LocationName, MissingToken, TokenSlot } from './carried-token.ts'

/** Where requests carry their token. What the cookies are called is said by `CookieOptions`. */
export interface LocationOptions {
  /**
   * Where a request may carry its token, in the order they are looked at.
   * @default ['header']
   */
  readonly locations?: readonly LocationName[] | undefined
  readonly header?: HeaderOptions | undefined
  /** Addresses end up in logs and histories: keep tokens out of them where you can. */
  readonly query?: QueryOptions | undefined
  readonly body?: BodyOptions | undefined
}

/** Which parameter of the address carries the token. */
export interface QueryOptions {
  /** @default 'token' */
  readonly name?: string | undefined
  /**
   * What stands before the token in the parameter.
   * @default ''
   */
  readonly prefix?: string | undefined
}

/** Which key of a JSON body carries the token. */
export interface BodyOptions {
  /** @default 'access_token' */
  readonly accessKey?: string | undefined
  /** @default 'refresh_token' */
  readonly refreshKey?: string | undefined
}

/** The token of a request, or why there is none, in the order that was looked in. */
export type Located =
  | { readonly token: string; readonly location: LocationName }
  | { readonly token: null; readonly missing: readonly MissingToken[] }

/** Finds the token of a request. */
export interface TokenLocator {
  /**
   * Looks at all the locations, also behind the first that holds a token: which of two identities is meant is not ours
   * to guess. `only` takes the place of the configured locations, and may name others.
   *
   * @throws RescindError `token_malformed` for what cannot be read as one token: a malformed header or one sent several
   * times, a cookie or parameter that comes twice with different values, two different tokens
   * @throws RescindError `invalid_config` where `only` is empty or names an unknown location
   */
  locate(request: RequestView, slot: TokenSlot, only?: readonly LocationName[]): Located
}

const LOCATIONS: readonly LocationName[] = ['header', 'cookie', 'query', 'body']
const MAX_QUERY_LENGTH = 16_384

const NO_COOKIE: MissingToken = Object.freeze({ location: 'cookie', reason: 'no_cookie' })
const NO_PARAMETER: MissingToken = Object.freeze({ location: 'query', reason: 'no_parameter' })
const NO_PREFIX: MissingToken = Object.freeze({ location: 'query', reason: 'no_prefix' })
const CONTENT_TYPE: MissingToken = Object.freeze({ location: 'body', reason: 'content_type' })
const NO_KEY: MissingToken = Object.freeze({ location: 'body', reason: 'no_key' })

/**
 * Makes the locator of a library or of a compat module.
 *
 * @throws RescindError `invalid_config`, naming the option
 * @example
 * ```ts
 * const locator = createTokenLocator({ locations: ['header', 'cookie'] }, createTokenCookies({}, true))
 * const located = locator.locate(view, 'access')
 * ```
 */
export function createTokenLocator(options: LocationOptions, cookies: TokenCookies): TokenLocator {
  const locations = [...(options.locations ?? ['header'])]
  for (const location of locations) checkedChoice('locations', location, LOCATIONS)
  if (locations.length === 0) throw configError('locations must name at least one location')
  const header = createHeaderReader(options.header)
  const query = createQueryReader(options.query)
  const body = createBodyReader(options.body)

  const read = (location: LocationName, request: RequestView, slot: TokenSlot): string | MissingToken => {
    switch (location) {
      case 'header':
        return header(request, slot)
      case 'cookie':
        return cookies.read(request, slot) ?? NO_COOKIE
      case 'query':
        return query(request, slot)
      case 'body':
        return body(request, slot)
      default:
        throw configError(`locations must be of ${LOCATIONS.join(', ')}`)
    }
  }

  return {
    locate(request, slot, only = locations) {
      let found: { token: string; location: LocationName } | null = null
      let missing: MissingToken[] | null = null
      for (const location of only) {
        const token = read(location, request, slot)
        if (typeof token !== 'string') {
          missing ??= []
          missing.push(token)
        } else if (found === null) {
          found = { token, location }
        } else if (found.token !== token) {
          throw malformed('The request carries two different tokens. Send one.')
        }
      }
      if (found !== null) return found
      if (missing === null) throw configError('a route must name at least one location')
      return { token: null, missing }
    },
  }
}

const readBearer = createHeaderReader()

/**
 * Takes the token out of the `Authorization` header (RFC 6750 §2.1), whatever locations are configured.
 *
 * @returns the token, or `null` when there is no header or it is of another scheme
 * @throws RescindError `token_malformed` for a bearer header that cannot be read, and for several headers: which of two
 * identities is meant is not ours to guess
 * @example
 * ```ts
 * const token = bearerToken(fastifyView(request))
 * ```
 */
export function bearerToken(request: RequestView): string | null {
  const read = readBearer(request, 'access')
  return typeof read === 'string' ? read : null
}

function createQueryReader(options: QueryOptions = {}): TokenReader {
  const name = checkedText('query.name', options.name ?? 'token')
  const prefix = options.prefix ?? ''
  if (prefix !== '') checkedText('query.prefix', prefix)
  return ({ url }) => {
    const [address = ''] = url.split('#', 1)
    const start = address.indexOf('?')
    if (start === -1) return NO_PARAMETER
    if (address.length - start > MAX_QUERY_LENGTH) throw malformed('The query string is too long.')
    const [value = '', ...others] = new URLSearchParams(address.slice(start)).getAll(name)
    if (others.some((other) => other !== value)) {
      throw malformed(`The query parameter ${name} comes twice, with different values.`)
    }
    if (value === '') return NO_PARAMETER
    if (!value.startsWith(prefix)) return NO_PREFIX
    if (value.length === prefix.length) throw malformed(`The query parameter ${name} holds no token.`)
    return value.slice(prefix.length)
  }
}

function createBodyReader(options: BodyOptions = {}): TokenReader {
  const keys = {
    access: checkedText('body.accessKey', options.accessKey ?? 'access_token'),
    refresh: checkedText('body.refreshKey', options.refreshKey ?? 'refresh_token'),
  }
  return (request, slot) => {
    if (mediaType(request) !== 'application/json') return CONTENT_TYPE
    const value = ownField(request, keys[slot])
    if (value === undefined || value === null || value === '') return NO_KEY
    if (typeof value !== 'string') throw malformed(`${keys[slot]} in the body must be a string.`)
    return value
  }
}
