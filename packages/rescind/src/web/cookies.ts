import { configError } from '../base/errors.ts'
import type { TokenSlot } from './carried-token.ts'
import { cookieName, cookieValue, isCookieValue } from './cookie-header.ts'
import { type CookieOptions, type CookieSettings, readCookieOptions } from './cookie-options.ts'
import type { RequestView } from './request.ts'

export type { CookieOptions, CookieSettings } from './cookie-options.ts'

/** Reads and writes the cookies that carry tokens. */
export interface TokenCookies {
  readonly options: CookieSettings
  /**
   * The token in the cookie of this slot; `null` for none.
   * @throws RescindError `token_malformed` for a cookie that comes twice with different values or cannot be read, and
   * for a `Cookie` header over 16 KiB
   */
  read(request: RequestView, slot: TokenSlot): string | null
  /** The same for a cookie by its full name. */
  readNamed(request: RequestView, name: string): string | null
  /**
   * `Set-Cookie` values: the token and, where `csrf` is given, the readable cookie that tells the script its CSRF
   * token.
   * @throws RescindError `invalid_config` for a cookie that browsers would not keep: over 4096 bytes, or with
   * characters that no cookie holds
   */
  set(slot: TokenSlot, value: TokenCookieValue): readonly string[]
  /** `Set-Cookie` values that make the browser forget what {@link TokenCookies.set} set. */
  unset(slot: TokenSlot): readonly string[]
  /** True if one of these `Set-Cookie` values sets or clears the token cookie of the slot. */
  touches(slot: TokenSlot, setCookies: readonly string[]): boolean
}

/** What the cookies of one slot are to hold. */
export interface TokenCookieValue {
  readonly token: string
  /** The CSRF token; `null` for none. */
  readonly csrf: string | null
  /** How long the browser keeps the cookies; of no account where `lifetime` is `'session'`. */
  readonly maxAgeSeconds: number
}

/** Name and attributes of a cookie: all that does not change between two values. */
interface CookieShape {
  readonly name: string
  readonly attributes: string
}

/** RFC 6265bis §5.6: browsers drop a cookie whose name and value are longer. */
const MAX_COOKIE_BYTES = 4096
/** RFC 6265bis §5.5: 400 days, the longest that browsers keep a cookie. */
const MAX_AGE_SECONDS = 34_560_000

/**
 * Makes the cookies of a library or of a compat module. `csrfInCookies` says whether CSRF tokens get cookies.
 *
 * @throws RescindError `invalid_config`, naming the option
 * @example
 * ```ts
 * const cookies = createTokenCookies({ sameSite: 'Strict' }, true)
 * response.setHeader('set-cookie', cookies.set('access', { token, csrf, maxAgeSeconds: 900 }))
 * ```
 */
export function createTokenCookies(options: CookieOptions, csrfInCookies: boolean): TokenCookies {
  const settings = readCookieOptions(options)
  const { accessName, refreshName, accessCsrfName, refreshCsrfName } = settings
  const tokenCookies = {
    access: shape(settings, { name: accessName, path: settings.accessPath, httpOnly: true }),
    refresh: shape(settings, { name: refreshName, path: settings.refreshPath, httpOnly: true }),
  }
  // A script of the site has to read these, to send their value back in a header.
  const csrfCookies = {
    access: shape(settings, { name: accessCsrfName, path: settings.accessCsrfPath, httpOnly: false }),
    refresh: shape(settings, { name: refreshCsrfName, path: settings.refreshCsrfPath, httpOnly: false }),
  }

  const readNamed = (request: RequestView, name: string) => {
    const header = request.header('cookie')
    if (header === undefined) return null
    // HTTP/2 lets a browser send its cookies in several fields (RFC 9113 §8.2.3).
    return cookieValue(typeof header === 'string' ? header : header.join(';'), name)
  }

  return {
    options: settings,
    read: (request, slot) => readNamed(request, tokenCookies[slot].name),
    readNamed,
    set(slot, { token, csrf, maxAgeSeconds }) {
      const seconds = settings.lifetime === 'session' ? null : wholeSeconds(maxAgeSeconds)
      const set = [serialised(tokenCookies[slot], filled(tokenCookies[slot], token), seconds)]
      if (csrfInCookies && csrf !== null) {
        set.push(serialised(csrfCookies[slot], filled(csrfCookies[slot], csrf), seconds))
      }
      return set
    },
    unset(slot) {
      const unset = [serialised(tokenCookies[slot], '', 0)]
      if (csrfInCookies) unset.push(serialised(csrfCookies[slot], '', 0))
      return unset
    },
    touches: (slot, setCookies) => setCookies.some((value) => cookieName(value) === tokenCookies[slot].name),
  }
}

function shape(
  { prefix, domain, secure, sameSite }: CookieSettings,
  cookie: { name: string; path: string; httpOnly: boolean },
): CookieShape {
  const attributes = [
    ...(domain === undefined ? [] : [`Domain=${domain}`]),
    `Path=${cookie.path}`,
    ...(secure ? ['Secure'] : []),
    ...(cookie.httpOnly ? ['HttpOnly'] : []),
    `SameSite=${sameSite}`,
  ]
  return { name: `${prefix}${cookie.name}`, attributes: attributes.join('; ') }
}

/**
 * `Max-Age` without `Expires`: browsers prefer it (RFC 6265bis §4.1.2.2), and it holds where the browser's clock is
 * wrong.
 */
function serialised({ name, attributes }: CookieShape, value: string, maxAgeSeconds: number | null): string {
  return `${name}=${value}; ${maxAgeSeconds === null ? '' : `Max-Age=${maxAgeSeconds}; `}${attributes}`
}

/** The value, if browsers will keep it. */
function filled({ name }: CookieShape, value: string): string {
  if (value === '' || !isCookieValue(value)) {
    throw configError(`the cookie ${name} must hold ASCII without blanks, quotes, commas, semicolons and backslashes`)
  }
  const bytes = name.length + value.length
  if (bytes <= MAX_COOKIE_BYTES) return value
  throw configError(
    `the cookie ${name} has ${bytes} bytes and browsers keep ${MAX_COOKIE_BYTES}: shorten the claims of the token`,
  )
}

/** A token without end is kept as long as may be; one that has ended, or no number at all, is not kept. */
function wholeSeconds(seconds: number): number {
  return seconds > 0 ? Math.floor(Math.min(seconds, MAX_AGE_SECONDS)) : 0
}
