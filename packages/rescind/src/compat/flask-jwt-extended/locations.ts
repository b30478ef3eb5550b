import { RescindError } from '../../base/errors.ts'
import { mediaType, ownField } from '../../web/body-field.ts'
import type { TokenSlot } from '../../web/carried-token.ts'
import type { RequestView } from '../../web/request.ts'
import type { FlaskConfig } from './config.ts'
import type { FlaskLocation, FlaskSettings } from './options.ts'
import { invalid, unauthorized } from './refusals.ts'

/** A token as a request carries it. From a JSON body it may be anything. */
export interface Carried {
  readonly token: unknown
  readonly location: FlaskLocation
  /** The CSRF token that has to be the one in the token; `null` where none is called for. */
  readonly csrf: string | null
}

/** Where a location holds no token, the words for it. */
type Read = { readonly token: unknown; readonly csrf?: string | null } | { readonly missing: string }

/** Browsers and proxies allow half of it. */
const MAX_HEADER_LENGTH = 16_384

/**
 * Makes the search for a token: the first location that holds one decides, as in the original, and what others hold is
 * not looked at. What it makes throws the refusal of a request without a token, or with one that cannot be read.
 */
export function createTokenSearch(config: FlaskConfig) {
  const { settings, csrf } = config
  const cookies = config.cookies({ session: settings.JWT_SESSION_COOKIE })

  const fromCookies = (request: RequestView, slot: TokenSlot): Read => {
    const name = cookies.options[slot === 'access' ? 'accessName' : 'refreshName']
    const token = readOnce(() => cookies.read(request, slot))
    if (token === null) return { missing: `Missing cookie "${name}"` }
    if (csrf === null || !csrf.applies(request)) return { token }
    const submitted = readOnce(() => csrf.submitted(request, slot))
    if (submitted === null) throw unauthorized('Missing CSRF token', 'csrf_failed')
    return { token, csrf: submitted }
  }

  const readers: Record<FlaskLocation, (request: RequestView, slot: TokenSlot) => Read> = {
    headers: (request) => fromHeader(request, settings),
    cookies: fromCookies,
    json: (request, slot) => fromJson(request, settings[slot === 'access' ? 'JWT_JSON_KEY' : 'JWT_REFRESH_JSON_KEY']),
    query_string: (request) => fromQuery(request, settings),
  }

  return (request: RequestView, slot: TokenSlot, locations: readonly [FlaskLocation, ...FlaskLocation[]]): Carried => {
    const missing: string[] = []
    for (const location of locations) {
      const read = readers[location](request, slot)
      if ('token' in read) return { token: read.token, location, csrf: read.csrf ?? null }
      missing.push(read.missing)
    }
    const [only] = missing
    if (only !== undefined && missing.length === 1) throw unauthorized(only)
    throw unauthorized(
      `Missing JWT in ${locations.slice(0, -1).join(', ')} or ${locations.at(-1)} (${missing.join('; ')})`,
    )
  }
}

/** What our own readers refuse, such as a cookie that comes twice with different values, the original has no words for. */
function readOnce<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof RescindError)) throw error
    if (error.code === 'csrf_failed') throw unauthorized('CSRF double submit tokens do not match', 'csrf_failed')
    throw invalid(error.message, 'token_malformed')
  }
}

function fromHeader(request: RequestView, { JWT_HEADER_NAME: name, JWT_HEADER_TYPE: type }: FlaskSettings): Read {
  const given = request.header(name.toLowerCase()) ?? ''
  // Several fields of one name are one field with commas (RFC 9110 §5.3), and so two tokens are refused below.
  const value = (typeof given === 'string' ? given : given.join(',')).trim().replace(/^,+|,+$/g, '')
  if (value === '') return { missing: `Missing ${name} Header` }
  const expected = type === null ? `${name}: <JWT>` : `${name}: ${type} <JWT>`
  const bad = () => invalid(`Bad ${name} header. Expected '${expected}'`, 'token_malformed')
  if (value.length > MAX_HEADER_LENGTH) throw bad()
  if (type === null) {
    if (/\s/.test(value)) throw bad()
    return { token: value }
  }
  const fields = value.split(',').map((field) => field.trim().split(/\s+/))
  const ours = fields.filter(([first]) => first === type)
  const [parts] = ours
  if (parts === undefined || ours.length !== 1) {
    return { missing: `Missing '${type}' type in '${name}' header. Expected '${expected}'` }
  }
  if (parts.length !== 2) throw bad()
  return { token: parts[1] }
}

function fromQuery(request: RequestView, settings: FlaskSettings): Read {
  const { JWT_QUERY_STRING_NAME: name, JWT_QUERY_STRING_VALUE_PREFIX } = settings
  const prefix = JWT_QUERY_STRING_VALUE_PREFIX ?? ''
  const start = request.url.indexOf('?')
  const query = start === -1 ? '' : request.url.slice(start)
  if (query.length > MAX_HEADER_LENGTH) throw invalid('The query string is too long.', 'token_malformed')
  const [value = '', ...others] = new URLSearchParams(query).getAll(name)
  if (value === '') return { missing: `Missing '${name}' query paramater` }
  const problem = `Invalid value for query parameter '${name}'.`
  if (others.some((other) => other !== value)) throw invalid(`${problem} Expected it once`, 'token_malformed')
  if (!value.startsWith(prefix)) {
    throw invalid(`${problem} Expected the value to start with '${prefix}'`, 'token_malformed')
  }
  return { token: value.slice(prefix.length) }
}

function fromJson(request: RequestView, key: string): Read {
  const type = mediaType(request) ?? ''
  if (type !== 'application/json' && !/^application\/.*\+json$/.test(type)) {
    return { missing: 'Invalid content-type. Must be application/json.' }
  }
  const token = ownField(request, key)
  // What Python takes for nothing.
  const isEmpty = token === undefined || token === null || token === '' || token === 0 || token === false
  return isEmpty ? { missing: `Missing "${key}" key in json data.` } : { token }
}
