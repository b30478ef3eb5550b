import { sameBytes, sha256 } from '#crypto'
import { configError, RescindError } from '../base/errors.ts'
import { mediaType, ownField } from './body-field.ts'
import type { TokenSlot } from './carried-token.ts'
import type { RequestView } from './request.ts'
import { checkedBoolean, checkedName, checkedText, type Filled } from './settings.ts'

/**
 * How a request with a cookie shows that it comes from a page of the site: it repeats a secret that is a claim of the
 * token, in a place where a page of another site cannot put it. A cookie tossed by a neighbouring domain is of no help
 * to an attacker, for nothing is compared with a cookie.
 */
export interface CsrfOptions {
  /** The methods to protect. @default ['POST', 'PUT', 'PATCH', 'DELETE'] */
  readonly methods?: readonly string[] | undefined
  /** The header that repeats the secret of an access token. @default 'X-CSRF-Token' */
  readonly accessHeader?: string | undefined
  /** @default 'X-CSRF-Token' */
  readonly refreshHeader?: string | undefined
  /** Takes the secret from a form, too, for pages without script. @default false */
  readonly form?: boolean | undefined
  /** The form field. @default 'csrf_token' */
  readonly accessField?: string | undefined
  /** @default 'csrf_token' */
  readonly refreshField?: string | undefined
  /** Tells the secret in a cookie that scripts can read. @default true */
  readonly inCookies?: boolean | undefined
}

/** {@link CsrfOptions} with every default filled in. */
export type CsrfSettings = Filled<CsrfOptions>

/** Reads what a request says against cross-site request forgery. Whether it is right, {@link sameSecret} says. */
export interface CsrfCheck {
  readonly options: CsrfSettings
  /** True for a request whose method has to be protected. */
  applies(request: RequestView): boolean
  /**
   * The CSRF token that the request carries, by header or (where asked for) form field; `null` for none.
   * @throws RescindError `csrf_failed` for several
   */
  submitted(request: RequestView, slot: TokenSlot): string | null
}

const METHODS = ['POST', 'PUT', 'PATCH', 'DELETE']
const FORM_TYPES: ReadonlySet<string | null> = new Set(['application/x-www-form-urlencoded', 'multipart/form-data'])

/**
 * Makes the check of a library or of a compat module.
 *
 * @throws RescindError `invalid_config`, naming the option
 */
export function createCsrfCheck(given: CsrfOptions): CsrfCheck {
  const options: CsrfSettings = Object.freeze({
    methods: Object.freeze(readMethods(given.methods ?? METHODS)),
    accessHeader: checkedName('csrf.accessHeader', given.accessHeader ?? 'X-CSRF-Token'),
    refreshHeader: checkedName('csrf.refreshHeader', given.refreshHeader ?? 'X-CSRF-Token'),
    form: checkedBoolean('csrf.form', given.form ?? false),
    accessField: checkedText('csrf.accessField', given.accessField ?? 'csrf_token'),
    refreshField: checkedText('csrf.refreshField', given.refreshField ?? 'csrf_token'),
    inCookies: checkedBoolean('csrf.inCookies', given.inCookies ?? true),
  })
  const methods: ReadonlySet<string> = new Set(options.methods)
  const headers = { access: options.accessHeader.toLowerCase(), refresh: options.refreshHeader.toLowerCase() }
  const fields = { access: options.accessField, refresh: options.refreshField }

  return {
    options,
    applies: (request) => methods.has(request.method.toUpperCase()),
    submitted(request, slot) {
      const header = request.header(headers[slot])
      if (header !== undefined && typeof header !== 'string') throw several()
      if (header !== undefined && header !== '') return header
      if (!options.form || !FORM_TYPES.has(mediaType(request))) return null
      const field = ownField(request, fields[slot])
      if (field === undefined || field === null || field === '') return null
      if (typeof field !== 'string') throw several()
      return field
    },
  }
}

/**
 * Compares two secrets in a time that does not tell where they differ, nor how long the other one is: their hashes are
 * compared, which are all of one length.
 */
export function sameSecret(a: string, b: string): boolean {
  return sameBytes(digest(a), digest(b))
}

function digest(text: string): Uint8Array {
  // As UTF-16, since in UTF-8 all lone surrogates are one.
  const units = new Uint16Array(text.length)
  for (let at = 0; at < text.length; at += 1) units[at] = text.charCodeAt(at)
  return sha256(new Uint8Array(units.buffer))
}

function several(): RescindError {
  return new RescindError('csrf_failed', 'Send one CSRF token, as text.')
}

function readMethods(methods: readonly string[]): string[] {
  if (methods.length === 0) throw configError('csrf.methods must name at least one: to go without, set csrf to false')
  return methods.map((method) => checkedName('csrf.methods', method).toUpperCase())
}
