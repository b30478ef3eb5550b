import { type MissingToken, malformed, type TokenReader } from './carried-token.ts'
import { checkedName } from './settings.ts'

/** Which header carries the token, and how. */
export interface HeaderOptions {
  /** @default 'Authorization' */
  readonly name?: string | undefined
  /**
   * The word before the token, compared without case. Empty: the whole value is the token.
   * @default 'Bearer'
   */
  readonly scheme?: string | undefined
}

const NO_HEADER: MissingToken = Object.freeze({ location: 'header', reason: 'no_header' })
const OTHER_SCHEME: MissingToken = Object.freeze({ location: 'header', reason: 'other_scheme' })

/** Start of a field `<scheme> <credentials>`. */
const SCHEME_FIELD = /^[\w!#$%&'*+.^`|~-]+ +[^ ]/
const MAX_LIST_LENGTH = 16_384

/**
 * Makes the reader of a token in a header (RFC 6750 §2.1, RFC 9110 §11.6.2). The value may be a list of several
 * schemes, one of them ours: `Basic abc, Bearer xyz`.
 *
 * @throws RescindError `invalid_config` for an unusable name or scheme
 */
export function createHeaderReader(options: HeaderOptions = {}): TokenReader {
  const shownName = checkedName('header.name', options.name ?? 'Authorization')
  const name = shownName.toLowerCase()
  const scheme = options.scheme ?? 'Bearer'
  if (scheme !== '') checkedName('header.scheme', scheme)
  const start = scheme === '' ? '' : `${scheme} `
  const lowerStart = start.toLowerCase()
  const lowerScheme = scheme.toLowerCase()
  const bad = () => malformed(`The ${shownName} header must be: ${start}<token>.`)

  const isOurs = (field: string) => field.startsWith(start) || field.slice(0, start.length).toLowerCase() === lowerStart

  const tokenOf = (field: string) => {
    const token = field.slice(start.length)
    if (token === '' || token.includes(' ')) throw bad()
    return token
  }

  const fromList = (value: string) => {
    if (value.length > MAX_LIST_LENGTH) throw bad()
    const fields = value.split(/,[ \t]*/)
    const at = fields.findIndex(isOurs)
    const field = fields[at]
    if (field === undefined) return OTHER_SCHEME
    const next = fields[at + 1]
    // A quoted string may hold commas, and thereby what looks like a field of ours.
    if (value.includes('"') || fields.findLastIndex(isOurs) !== at) throw bad()
    if (next !== undefined && !SCHEME_FIELD.test(next)) throw bad()
    return tokenOf(field)
  }

  return (request) => {
    const value = request.header(name)
    if (value === undefined || value === '') return NO_HEADER
    if (typeof value !== 'string') throw malformed(`Send one ${shownName} header, not several.`)
    if (value.includes(',')) return fromList(value)
    return isOurs(value) || value.toLowerCase() === lowerScheme ? tokenOf(value) : OTHER_SCHEME
  }
}
