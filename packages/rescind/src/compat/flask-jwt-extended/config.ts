import { configError, RescindError } from '../../base/errors.ts'
import { algorithms, isAlgorithm } from '../../tokens/algorithms.ts'
import { createTokenCookies, type TokenCookies } from '../../web/cookies.ts'
import { type CsrfCheck, createCsrfCheck } from '../../web/csrf.ts'
import { acceptedAlgorithms, createKeyLoader, type FlaskKeys, type LoadKey, readKeys } from './keys.ts'
import { type FlaskOptions, type FlaskSettings, readFlaskOptions } from './options.ts'

/** The configuration of a Flask application, checked. Made by {@link fromFlaskConfig}. Holds secrets: never log it. */
export interface FlaskConfig {
  readonly settings: FlaskSettings
  readonly algorithms: readonly string[]
  readonly keys: FlaskKeys
  readonly loadKey: LoadKey
  /** `null` where no cookie is protected. */
  readonly csrf: CsrfCheck | null
  /** The cookies, for another domain where one is given; `session` ones end with the browser. */
  cookies(given: { readonly domain?: string | undefined; readonly session: boolean }): TokenCookies
}

/** Which options of the original speak of what our own are called. */
const NAMES: Readonly<Record<string, string>> = {
  'cookies.accessName': 'JWT_ACCESS_COOKIE_NAME',
  'cookies.refreshName': 'JWT_REFRESH_COOKIE_NAME',
  'cookies.accessPath': 'JWT_ACCESS_COOKIE_PATH',
  'cookies.refreshPath': 'JWT_REFRESH_COOKIE_PATH',
  'cookies.accessCsrfName': 'JWT_ACCESS_CSRF_COOKIE_NAME',
  'cookies.refreshCsrfName': 'JWT_REFRESH_CSRF_COOKIE_NAME',
  'cookies.accessCsrfPath': 'JWT_ACCESS_CSRF_COOKIE_PATH',
  'cookies.refreshCsrfPath': 'JWT_REFRESH_CSRF_COOKIE_PATH',
  'cookies.domain': 'JWT_COOKIE_DOMAIN',
  'cookies.secure': 'JWT_COOKIE_SECURE',
  'cookies.sameSite': 'JWT_COOKIE_SAMESITE',
  'csrf.methods': 'JWT_CSRF_METHODS',
  'csrf.accessHeader': 'JWT_ACCESS_CSRF_HEADER_NAME',
  'csrf.refreshHeader': 'JWT_REFRESH_CSRF_HEADER_NAME',
}

/**
 * Understands the `JWT_*` options of a Flask application.
 *
 * @param options all that differ from the original's defaults; `SECRET_KEY` is read as well
 * @param migration `allowWeakSecret` takes a secret under 32 bytes (default false), for as long as a migration lasts
 * @throws RescindError `invalid_config` for an unknown option or an unusable value, and `unsafe_key` for an unsafe key;
 * both name the option
 * @example
 * ```ts
 * const config = fromFlaskConfig({
 *   JWT_SECRET_KEY: process.env.JWT_SECRET_KEY,
 *   JWT_TOKEN_LOCATION: ['headers', 'cookies'],
 *   JWT_ACCESS_TOKEN_EXPIRES: { hours: 1 },
 * })
 * ```
 */
export function fromFlaskConfig(
  options: FlaskOptions,
  migration: { readonly allowWeakSecret?: boolean } = {},
): FlaskConfig {
  const settings = readFlaskOptions(options)
  const { JWT_ALGORITHM: alg } = settings
  if (!isAlgorithm(alg)) throw configError(`JWT_ALGORITHM must be one of ${Object.keys(algorithms).join(', ')}`)
  const loadKey = createKeyLoader(migration.allowWeakSecret ?? false)
  const cookies: FlaskConfig['cookies'] = ({ domain, session }) =>
    renaming(() =>
      createTokenCookies(
        {
          accessName: settings.JWT_ACCESS_COOKIE_NAME,
          refreshName: settings.JWT_REFRESH_COOKIE_NAME,
          accessPath: settings.JWT_ACCESS_COOKIE_PATH,
          refreshPath: settings.JWT_REFRESH_COOKIE_PATH,
          accessCsrfName: settings.JWT_ACCESS_CSRF_COOKIE_NAME,
          refreshCsrfName: settings.JWT_REFRESH_CSRF_COOKIE_NAME,
          accessCsrfPath: settings.JWT_ACCESS_CSRF_COOKIE_PATH,
          refreshCsrfPath: settings.JWT_REFRESH_CSRF_COOKIE_PATH,
          domain: domain ?? settings.JWT_COOKIE_DOMAIN ?? undefined,
          secure: settings.JWT_COOKIE_SECURE,
          sameSite: settings.JWT_COOKIE_SAMESITE,
          lifetime: session ? 'session' : 'persistent',
          prefix: '',
        },
        csrf?.options.inCookies ?? false,
      ),
    )
  const isProtected = settings.JWT_COOKIE_CSRF_PROTECT && settings.JWT_TOKEN_LOCATION.includes('cookies')
  const csrf = isProtected ? renaming(() => readCsrf(settings)) : null
  cookies({ session: settings.JWT_SESSION_COOKIE })
  return Object.freeze({
    settings,
    algorithms: acceptedAlgorithms(settings),
    keys: readKeys(settings, alg, loadKey),
    loadKey,
    csrf,
    cookies,
  })
}

function readCsrf(settings: FlaskSettings): CsrfCheck {
  return createCsrfCheck({
    methods: settings.JWT_CSRF_METHODS,
    accessHeader: settings.JWT_ACCESS_CSRF_HEADER_NAME,
    refreshHeader: settings.JWT_REFRESH_CSRF_HEADER_NAME,
    form: settings.JWT_CSRF_CHECK_FORM,
    accessField: settings.JWT_ACCESS_CSRF_FIELD_NAME,
    refreshField: settings.JWT_REFRESH_CSRF_FIELD_NAME,
    inCookies: settings.JWT_CSRF_IN_COOKIES,
  })
}

/** Says what is wrong in the names that the user wrote. */
function renaming<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof RescindError)) throw error
    throw configError(error.message.replace(/\b(?:cookies|csrf)\.\w+/g, (name) => NAMES[name] ?? name))
  }
}
