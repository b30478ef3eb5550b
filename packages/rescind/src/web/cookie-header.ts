import { trimBlanks } from './blanks.ts'
import { malformed } from './carried-token.ts'

/** What a stranger can make us read: more than a browser sends, which keeps some 180 cookies of a site. */
const MAX_HEADER_LENGTH = 16_384
const MAX_PAIRS = 300

/** `cookie-octet` (RFC 6265 §4.1.1): no control characters, white space, quotes, commas, semicolons or backslashes. */
const COOKIE_VALUE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/

/** True for text that a cookie can hold as it is. */
export function isCookieValue(text: string): boolean {
  return COOKIE_VALUE.test(text)
}

/**
 * The value of one cookie in a `Cookie` header (RFC 6265bis §4.2), without the quotes that may stand around it;
 * `null` where the cookie is missing or empty. Nothing is decoded. Other cookies may be as they like.
 *
 * @throws RescindError `token_malformed` when the cookie comes twice with different values, as after a tossed cookie
 * of a neighbouring domain; when its value is no cookie value; and for a header beyond all measure
 */
export function cookieValue(header: string, name: string): string | null {
  const pairs = header.split(';', MAX_PAIRS + 1)
  if (header.length > MAX_HEADER_LENGTH || pairs.length > MAX_PAIRS) {
    throw malformed('The request carries too many cookies.')
  }
  let found: string | null = null
  for (const pair of pairs) {
    if (cookieName(pair) !== name) continue
    const value = unquoted(trimBlanks(pair.slice(pair.indexOf('=') + 1)))
    if (!isCookieValue(value)) throw malformed(`The cookie ${name} cannot be read.`)
    if (found !== null && found !== value) {
      throw malformed(`The cookie ${name} comes twice, with different values.`)
    }
    found = value
  }
  return found === '' ? null : found
}

/** What stands before the first `=` of a cookie, with or without attributes; empty where there is none. */
export function cookieName(cookie: string): string {
  const end = cookie.indexOf('=')
  return end === -1 ? '' : trimBlanks(cookie.slice(0, end))
}

function unquoted(value: string): string {
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value
}
