import { configError } from '../../base/errors.ts'

/** A span of time: seconds, or the parts of a Python `timedelta`. */
export type TimeSpan =
  | number
  | {
      readonly weeks?: number
      readonly days?: number
      readonly hours?: number
      readonly minutes?: number
      readonly seconds?: number
    }

/** Where a request may carry its token, by the original's names. */
export type FlaskLocation = 'headers' | 'cookies' | 'json' | 'query_string'

const LOCATIONS: readonly FlaskLocation[] = ['headers', 'cookies', 'json', 'query_string']
const SECONDS = { weeks: 604_800, days: 86_400, hours: 3_600, minutes: 60, seconds: 1 } as const

/** Checks one option and answers the value to work with; `undefined` asks for the default. */
type Reader<Given, Value> = (given: Given | undefined, name: string) => Value

const text =
  (fallback: string): Reader<string, string> =>
  (given = fallback, name) => {
    if (typeof given === 'string' && given !== '') return given
    throw configError(`${name} must be a string that is not empty`)
  }

/** `null`, or an empty string, for none. */
const textOrNone =
  (fallback: string | null): Reader<string | null, string | null> =>
  (given = fallback, name) => {
    if (given === null || typeof given === 'string') return given === '' ? null : given
    throw configError(`${name} must be a string, or null for none`)
  }

const flag =
  (fallback: boolean): Reader<boolean, boolean> =>
  (given = fallback, name) => {
    if (typeof given === 'boolean') return given
    throw configError(`${name} must be true or false`)
  }

const lifetime =
  (fallback: number): Reader<TimeSpan | false, number | false> =>
  (given = fallback, name) =>
    given === false ? false : readSeconds(given, name)

/** `null` for none; one string stands for a list of one. */
const list: Reader<string | readonly string[] | null, readonly string[] | null> = (given = null, name) => {
  if (given === null) return null
  const items = typeof given === 'string' ? [given] : given
  if (Array.isArray(items) && items.length > 0 && items.every((item) => typeof item === 'string' && item !== '')) {
    return Object.freeze([...items])
  }
  throw configError(`${name} must be a string or a list of strings, none of them empty`)
}

const methods: Reader<readonly string[], readonly string[]> = (given, name) =>
  list(given ?? ['POST', 'PUT', 'PATCH', 'DELETE'], name) ?? []

const locations: Reader<FlaskLocation | readonly FlaskLocation[], readonly FlaskLocation[]> = (given, name) =>
  readLocations(given ?? 'headers', name)

const leeway: Reader<TimeSpan, number> = (given = 0, name) => {
  const seconds = readSeconds(given, name)
  if (seconds >= 0) return seconds
  throw configError(`${name} must not be negative`)
}

const algorithmList: Reader<readonly string[] | null, readonly string[]> = (given = null, name) => {
  const names = list(given, name) ?? []
  if (names.some((alg) => alg.toLowerCase() === 'none')) throw configError(`${name} must not hold "none"`)
  return names
}

/** The original's values are `None`, which leaves the choice to the browser, or one of three words. */
const sameSite: Reader<'Lax' | 'Strict' | 'None' | null, 'Lax' | 'Strict' | 'None'> = (given = null, name) => {
  if (given === null) return 'Lax'
  if (['Lax', 'Strict', 'None'].includes(given)) return given
  throw configError(`${name} must be "Lax", "Strict" or "None"`)
}

/** Every option of flask-jwt-extended 4.7.1, with the original's defaults: how each is read. */
const optionReaders = {
  /** The life of access tokens; `false` for no end. @default 900 (15 minutes) */
  JWT_ACCESS_TOKEN_EXPIRES: lifetime(900),
  /** The life of refresh tokens; `false` for no end. @default 2_592_000 (30 days) */
  JWT_REFRESH_TOKEN_EXPIRES: lifetime(2_592_000),
  /** What signs and verifies, with an HMAC algorithm. At least 32 bytes. */
  JWT_SECRET_KEY: textOrNone(null),
  /** Flask's own secret, taken where `JWT_SECRET_KEY` is not set. */
  SECRET_KEY: textOrNone(null),
  /** PEM text that signs, with the other algorithms. */
  JWT_PRIVATE_KEY: textOrNone(null),
  /** PEM text that verifies, with the other algorithms. @default the public half of `JWT_PRIVATE_KEY` */
  JWT_PUBLIC_KEY: textOrNone(null),
  /** Signs new tokens. @default 'HS256' */
  JWT_ALGORITHM: text('HS256'),
  /** Accepted besides `JWT_ALGORITHM`. @default none */
  JWT_DECODE_ALGORITHMS: algorithmList,
  /** Where tokens are looked for, in this order. @default ['headers'] */
  JWT_TOKEN_LOCATION: locations,
  /** @default 'Authorization' */
  JWT_HEADER_NAME: text('Authorization'),
  /** Empty for none. @default 'Bearer' */
  JWT_HEADER_TYPE: textOrNone('Bearer'),
  /** @default 'jwt' */
  JWT_QUERY_STRING_NAME: text('jwt'),
  /** Stands before the token in the parameter. @default '' */
  JWT_QUERY_STRING_VALUE_PREFIX: textOrNone(''),
  /** @default 'access_token' */
  JWT_JSON_KEY: text('access_token'),
  /** @default 'refresh_token' */
  JWT_REFRESH_JSON_KEY: text('refresh_token'),
  /** @default 'access_token_cookie' */
  JWT_ACCESS_COOKIE_NAME: text('access_token_cookie'),
  /** @default 'refresh_token_cookie' */
  JWT_REFRESH_COOKIE_NAME: text('refresh_token_cookie'),
  /** @default '/' */
  JWT_ACCESS_COOKIE_PATH: text('/'),
  /** @default '/' */
  JWT_REFRESH_COOKIE_PATH: text('/'),
  /** @default the host alone */
  JWT_COOKIE_DOMAIN: textOrNone(null),
  /** @default 'Lax', where the original leaves it to the browser */
  JWT_COOKIE_SAMESITE: sameSite,
  /** Keeps the cookies to HTTPS. Set it to true wherever you can. @default false */
  JWT_COOKIE_SECURE: flag(false),
  /** The browser drops the cookies when it is closed; `false` keeps them for a year. @default true */
  JWT_SESSION_COOKIE: flag(true),
  /** @default true */
  JWT_COOKIE_CSRF_PROTECT: flag(true),
  /** @default ['POST', 'PUT', 'PATCH', 'DELETE'] */
  JWT_CSRF_METHODS: methods,
  /** Takes the CSRF token from a form, too. @default false */
  JWT_CSRF_CHECK_FORM: flag(false),
  /** Tells the CSRF token in a cookie that scripts can read. @default true */
  JWT_CSRF_IN_COOKIES: flag(true),
  /** @default 'csrf_access_token' */
  JWT_ACCESS_CSRF_COOKIE_NAME: text('csrf_access_token'),
  /** @default 'csrf_refresh_token' */
  JWT_REFRESH_CSRF_COOKIE_NAME: text('csrf_refresh_token'),
  /** @default '/' */
  JWT_ACCESS_CSRF_COOKIE_PATH: text('/'),
  /** @default '/' */
  JWT_REFRESH_CSRF_COOKIE_PATH: text('/'),
  /** @default 'X-CSRF-TOKEN' */
  JWT_ACCESS_CSRF_HEADER_NAME: text('X-CSRF-TOKEN'),
  /** @default 'X-CSRF-TOKEN' */
  JWT_REFRESH_CSRF_HEADER_NAME: text('X-CSRF-TOKEN'),
  /** @default 'csrf_token' */
  JWT_ACCESS_CSRF_FIELD_NAME: text('csrf_token'),
  /** @default 'csrf_token' */
  JWT_REFRESH_CSRF_FIELD_NAME: text('csrf_token'),
  /** The claim that names the user. @default 'sub' */
  JWT_IDENTITY_CLAIM: text('sub'),
  /** The key of the message in an error answer. @default 'msg' */
  JWT_ERROR_MESSAGE_KEY: text('msg'),
  /** Written as `aud`. @default none */
  JWT_ENCODE_AUDIENCE: list,
  /** Written as `iss`. @default none */
  JWT_ENCODE_ISSUER: textOrNone(null),
  /** Writes `nbf`. @default true */
  JWT_ENCODE_NBF: flag(true),
  /** Required of every token: one of these. @default none, and then any `aud` is accepted */
  JWT_DECODE_AUDIENCE: list,
  /** The issuers that are accepted. @default any */
  JWT_DECODE_ISSUER: list,
  /** How far clocks may differ. @default 0 */
  JWT_DECODE_LEEWAY: leeway,
  /** Refuses a `sub` that is no string. @default true */
  JWT_VERIFY_SUB: flag(true),
} as const

type Readers = typeof optionReaders

/** The options of a Flask application, as `app.config` names them. Each is optional. */
export type FlaskOptions = { readonly [Name in keyof Readers]?: Parameters<Readers[Name]>[0] }

/** {@link FlaskOptions}, checked and complete; times in seconds. */
export type FlaskSettings = { readonly [Name in keyof Readers]: ReturnType<Readers[Name]> }

/** Fills in the defaults. Throws `invalid_config` for an option that does not exist or has an unusable value. */
export function readFlaskOptions(given: FlaskOptions): FlaskSettings {
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(optionReaders, name)) throw configError(`${name} is no option of flask-jwt-extended 4.7.1`)
  }
  const settings = Object.entries(optionReaders).map(([name, read]) => {
    const value: unknown = Reflect.get(given, name)
    return [name, (read as Reader<unknown, unknown>)(value, name)]
  })
  return Object.freeze(Object.fromEntries(settings)) as FlaskSettings
}

/** Checks locations, of the configuration or of one route. Throws `invalid_config`, naming the option. */
export function readLocations(
  given: FlaskLocation | readonly FlaskLocation[],
  name: string,
): readonly [FlaskLocation, ...FlaskLocation[]] {
  const [first, ...others] = typeof given === 'string' ? [given] : Array.isArray(given) ? [...given] : []
  if (first !== undefined && [first, ...others].every((location) => LOCATIONS.includes(location))) {
    return [first, ...others]
  }
  throw configError(`${name} must hold at least one of "headers", "cookies", "query_string" or "json", and no other`)
}

/** The seconds of a span. Throws `invalid_config`, naming the option. */
export function readSeconds(span: TimeSpan, name: string): number {
  const unusable = () =>
    configError(`${name} must be a number of seconds or an object of weeks, days, hours, minutes and seconds`)
  const parts = typeof span === 'number' ? { seconds: span } : span
  if (typeof parts !== 'object' || parts === null) throw unusable()
  let seconds = 0
  for (const [unit, count] of Object.entries(parts)) {
    if (!Object.hasOwn(SECONDS, unit) || typeof count !== 'number') throw unusable()
    seconds += count * SECONDS[unit as keyof typeof SECONDS]
  }
  if (Math.abs(seconds) <= MAX_SECONDS) return seconds
  throw unusable()
}

/** A thousand years: more would leave the dates that JavaScript can hold. */
const MAX_SECONDS = 31_557_600_000
