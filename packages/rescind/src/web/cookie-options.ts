import { configError } from '../base/errors.ts'
import { checkedBoolean, checkedChoice, checkedName, type Filled } from './settings.ts'

/** The cookies that carry tokens, and those that tell the scripts of the site its CSRF tokens. */
export interface CookieOptions {
  /** Names go without the prefix. @default 'access_token' */
  readonly accessName?: string | undefined
  /** @default 'refresh_token' */
  readonly refreshName?: string | undefined
  /** @default '/' */
  readonly accessPath?: string | undefined
  /** Narrow it to the route that refreshes, where the prefix allows it. @default '/' */
  readonly refreshPath?: string | undefined
  /** @default 'csrf_access_token' */
  readonly accessCsrfName?: string | undefined
  /** @default 'csrf_refresh_token' */
  readonly refreshCsrfName?: string | undefined
  /** @default '/' */
  readonly accessCsrfPath?: string | undefined
  /** @default '/' */
  readonly refreshCsrfPath?: string | undefined
  /** Gives the cookies to the subdomains as well. @default the host alone */
  readonly domain?: string | undefined
  /** Only over HTTPS. @default true */
  readonly secure?: boolean | undefined
  /** Which requests from other sites carry the cookies. @default 'Lax' */
  readonly sameSite?: 'Lax' | 'Strict' | 'None' | undefined
  /** Until the token expires, or until the browser is closed. @default 'persistent' */
  readonly lifetime?: 'persistent' | 'session' | undefined
  /**
   * Put before every name. With `__Host-` the browser lets no other host set the cookie, and with `__Secure-` no page
   * that came over HTTP (RFC 6265bis §4.1.3).
   * @default '__Host-'
   */
  readonly prefix?: '__Host-' | '__Secure-' | '' | undefined
}

/** {@link CookieOptions} with every default filled in. */
export type CookieSettings = Filled<Omit<CookieOptions, 'domain'>> & { readonly domain: string | undefined }

const RESERVED_NAME = /^__(?:host|secure|http)-/i
const PATH = /^\/[\x21-\x2b\x2d-\x3a\x3c-\x7e]*$/
const DOMAIN = /^\.?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/i

/**
 * Checks the options and fills in the defaults. A cookie that browsers would drop in silence is refused here.
 *
 * @throws RescindError `invalid_config`, naming the option
 */
export function readCookieOptions(given: CookieOptions): CookieSettings {
  const settings: CookieSettings = Object.freeze({
    accessName: cookieName('accessName', given.accessName ?? 'access_token'),
    refreshName: cookieName('refreshName', given.refreshName ?? 'refresh_token'),
    accessCsrfName: cookieName('accessCsrfName', given.accessCsrfName ?? 'csrf_access_token'),
    refreshCsrfName: cookieName('refreshCsrfName', given.refreshCsrfName ?? 'csrf_refresh_token'),
    accessPath: cookiePath('accessPath', given.accessPath ?? '/'),
    refreshPath: cookiePath('refreshPath', given.refreshPath ?? '/'),
    accessCsrfPath: cookiePath('accessCsrfPath', given.accessCsrfPath ?? '/'),
    refreshCsrfPath: cookiePath('refreshCsrfPath', given.refreshCsrfPath ?? '/'),
    domain: cookieDomain(given.domain),
    secure: checkedBoolean('cookies.secure', given.secure ?? true),
    sameSite: checkedChoice('cookies.sameSite', given.sameSite ?? 'Lax', ['Lax', 'Strict', 'None']),
    lifetime: checkedChoice('cookies.lifetime', given.lifetime ?? 'persistent', ['persistent', 'session']),
    prefix: checkedChoice('cookies.prefix', given.prefix ?? '__Host-', ['__Host-', '__Secure-', '']),
  })
  refuseSameNames(settings)
  refuseDroppedCookies(settings)
  return settings
}

function refuseSameNames(settings: CookieSettings): void {
  const seen = new Set<string>()
  for (const option of ['accessName', 'refreshName', 'accessCsrfName', 'refreshCsrfName'] as const) {
    if (seen.has(settings[option])) throw configError(`cookies.${option} is the name of another cookie, too`)
    seen.add(settings[option])
  }
}

/** RFC 6265bis §4.1.2.7, §4.1.3: what browsers ask of prefixes and of `SameSite=None`. */
function refuseDroppedCookies(settings: CookieSettings): void {
  const { secure, sameSite, prefix, domain } = settings
  if (!secure && prefix !== '') {
    throw configError(`cookies.secure must be true with the prefix ${prefix}: for plain HTTP, set cookies.prefix to ''`)
  }
  if (!secure && sameSite === 'None') throw configError("cookies.secure must be true with cookies.sameSite 'None'")
  if (prefix !== '__Host-') return
  if (domain !== undefined) {
    throw configError("cookies.domain cannot go with the prefix __Host-: set cookies.prefix to '__Secure-'")
  }
  for (const option of ['accessPath', 'refreshPath', 'accessCsrfPath', 'refreshCsrfPath'] as const) {
    if (settings[option] !== '/') {
      throw configError(`cookies.${option} must be '/' with the prefix __Host-: set cookies.prefix to '__Secure-'`)
    }
  }
}

function cookieName(option: string, value: string): string {
  const name = checkedName(`cookies.${option}`, value)
  if (RESERVED_NAME.test(name)) throw configError(`cookies.${option} must go without prefix: set cookies.prefix`)
  return name
}

function cookiePath(option: string, value: unknown): string {
  if (typeof value === 'string' && PATH.test(value)) return value
  throw configError(`cookies.${option} must begin with / and hold no white space, comma or semicolon`)
}

function cookieDomain(value: unknown): string | undefined {
  if (value === undefined || (typeof value === 'string' && value.length <= 253 && DOMAIN.test(value))) return value
  throw configError('cookies.domain must be a host name such as example.com')
}
