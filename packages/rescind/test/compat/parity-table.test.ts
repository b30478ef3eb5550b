import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as rescind from 'rescind'
import * as compat from 'rescind/compat/flask-jwt-extended'
import ts from 'typescript'
import { expect, it } from 'vitest'

/** The names of flask-jwt-extended 4.7.1, from its source. */
const ORIGINAL = {
  // config.py and jwt_manager.py; SECRET_KEY is Flask's.
  Options: `
    JWT_ACCESS_COOKIE_NAME JWT_ACCESS_COOKIE_PATH JWT_ACCESS_CSRF_COOKIE_NAME JWT_ACCESS_CSRF_COOKIE_PATH
    JWT_ACCESS_CSRF_FIELD_NAME JWT_ACCESS_CSRF_HEADER_NAME JWT_ACCESS_TOKEN_EXPIRES JWT_ALGORITHM
    JWT_COOKIE_CSRF_PROTECT JWT_COOKIE_DOMAIN JWT_COOKIE_SAMESITE JWT_COOKIE_SECURE JWT_CSRF_CHECK_FORM
    JWT_CSRF_IN_COOKIES JWT_CSRF_METHODS JWT_DECODE_ALGORITHMS JWT_DECODE_AUDIENCE JWT_DECODE_ISSUER
    JWT_DECODE_LEEWAY JWT_ENCODE_AUDIENCE JWT_ENCODE_ISSUER JWT_ENCODE_NBF JWT_ERROR_MESSAGE_KEY JWT_HEADER_NAME
    JWT_HEADER_TYPE JWT_IDENTITY_CLAIM JWT_JSON_KEY JWT_PRIVATE_KEY JWT_PUBLIC_KEY JWT_QUERY_STRING_NAME
    JWT_QUERY_STRING_VALUE_PREFIX JWT_REFRESH_COOKIE_NAME JWT_REFRESH_COOKIE_PATH JWT_REFRESH_CSRF_COOKIE_NAME
    JWT_REFRESH_CSRF_COOKIE_PATH JWT_REFRESH_CSRF_FIELD_NAME JWT_REFRESH_CSRF_HEADER_NAME JWT_REFRESH_JSON_KEY
    JWT_REFRESH_TOKEN_EXPIRES JWT_SECRET_KEY JWT_SESSION_COOKIE JWT_TOKEN_LOCATION JWT_VERIFY_SUB SECRET_KEY`,
  Loaders: `
    additional_claims_loader additional_headers_loader decode_key_loader encode_key_loader expired_token_loader
    invalid_token_loader needs_fresh_token_loader revoked_token_loader token_in_blocklist_loader
    token_verification_failed_loader token_verification_loader unauthorized_loader user_identity_loader
    user_lookup_error_loader user_lookup_loader`,
  // __init__.py, and the method of JWTManager.
  Functions: `
    JWTManager init_app create_access_token create_refresh_token current_user decode_token get_csrf_token
    get_current_user get_jti get_jwt get_jwt_header get_jwt_identity get_jwt_request_location
    get_unverified_jwt_headers set_access_cookies set_refresh_cookies unset_access_cookies unset_jwt_cookies
    unset_refresh_cookies jwt_required verify_jwt_in_request`,
  'Arguments of the functions': `
    add_context_processor additional_claims additional_headers allow_expired csrf_value domain encoded_token
    expires_delta fresh identity max_age response`,
  'Arguments of `jwt_required`': 'optional fresh refresh locations verify_type skip_revocation_check',
} as const

/** The types that the prefixes of the table stand for. */
const ROOTS = {
  compat: {
    config: 'compat.FlaskOptions',
    options: 'compat.FlaskJwtOptions',
    loaders: 'compat.FlaskLoaders',
    jwt: 'compat.FlaskJwt',
    check: 'compat.FlaskCheckOptions',
    principal: 'compat.FlaskPrincipal',
    create: 'compat.CreateAccessOptions',
    decode: 'compat.DecodeOptions',
    setCookies: 'compat.SetCookieOptions',
  },
  native: {
    options: 'rescind.RescindOptions',
    auth: 'rescind.Rescind',
    check: 'rescind.CheckOptions',
    principal: 'rescind.Principal',
    login: 'rescind.Login',
    single: 'rescind.SingleToken',
    ring: 'Parameters<typeof rescind.createKeyRing>[0]',
    key: 'rescind.KeyOptions',
  },
} as const

const page = readFileSync(
  fileURLToPath(new URL('../../../../docs/reference/from-flask-jwt-extended.md', import.meta.url)),
  'utf8',
)

interface Row {
  readonly original: string
  readonly compat: string
  readonly native: string
}

/** The rows of the table under a heading. */
function rowsOf(section: string): Row[] {
  const [, text = ''] = page.split(`\n## ${section}\n`)
  const lines = (text.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('| `'))
  return lines.map((line) => {
    const [, first = '', second = '', third = ''] = line.split('|').map((cell) => cell.trim())
    return { original: first.replaceAll('`', ''), compat: second, native: third }
  })
}

const spans = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, span = '']) => span)
const PATH = /^(\w+)((?:\.\w+)+)$/

/** The type of `options.cookies.domain`, written as TypeScript; `null` for a span that is no path. */
function typeOf(span: string, roots: Readonly<Record<string, string>>): string | null {
  const [, prefix = '', path = ''] = PATH.exec(span) ?? []
  const root = roots[prefix]
  if (root === undefined) return null
  return path
    .slice(1)
    .split('.')
    .reduce((type, name) => `Exclude<${type}, null | undefined | false>['${name}']`, root)
}

it.each(Object.entries(ORIGINAL))('lists all the %s, and no others', (section, names) => {
  const listed = rowsOf(section).map(({ original }) => original)
  expect(listed.toSorted()).toEqual(names.trim().split(/\s+/).toSorted())
})

it('reads every option that it lists', () => {
  const { settings } = compat.fromFlaskConfig({})
  expect(Object.keys(settings).toSorted()).toEqual(ORIGINAL.Options.trim().split(/\s+/).toSorted())
})

it('names counterparts that exist', () => {
  const declarations: string[] = []
  const places: string[] = []
  for (const section of Object.keys(ORIGINAL)) {
    for (const row of rowsOf(section)) {
      for (const side of ['compat', 'native'] as const) {
        const place = `${row.original}, ${side}: ${row[side]}`
        let counterparts = 0
        for (const span of spans(row[side])) {
          const type = typeOf(span, ROOTS[side])
          if (type !== null) {
            declarations.push(`export type T${places.length} = ${type}`)
            places.push(place)
            counterparts += 1
          } else if (/^\w+\(\)$/.test(span)) {
            expect(side === 'compat' ? compat : rescind, place).toHaveProperty(span.slice(0, -2))
            counterparts += 1
          } else expect(span, place).toMatch(/^(?:false|sub|'any'|\{.*\})$/)
        }
        // Where there is none, the table says why.
        if (counterparts === 0) expect(row[side], place).toMatch(/^(?:always|none: )/)
        if (counterparts === 0 && side === 'compat') expect(row[side], place).toMatch(/^none: /)
      }
    }
  }
  expect(faultsOf(declarations).map((line) => places[line])).toEqual([])
  expect(places.length).toBeGreaterThan(150)
})

it('notices a counterpart that does not exist', () => {
  expect(faultsOf([`export type T0 = compat.FlaskJwt['check']`, `export type T1 = compat.FlaskJwt['chek']`])).toEqual([
    1,
  ])
})

/** The indices of the declarations that do not compile. */
function faultsOf(declarations: readonly string[]): number[] {
  const header = [
    `import type * as rescind from 'rescind'`,
    `import type * as compat from 'rescind/compat/flask-jwt-extended'`,
  ]
  const file = fileURLToPath(new URL('parity-table.generated.ts', import.meta.url))
  const text = [...header, ...declarations].join('\n')
  const options: ts.CompilerOptions = {
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    customConditions: ['source'],
    allowImportingTsExtensions: true,
    types: ['node'],
  }
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists } = host
  host.fileExists = (name) => name === file || fileExists(name)
  host.getSourceFile = (name, target, ...rest) =>
    name === file ? ts.createSourceFile(name, text, target) : getSourceFile(name, target, ...rest)
  const program = ts.createProgram([file], options, host)
  const source = program.getSourceFile(file)
  const lines = program
    .getSemanticDiagnostics(source)
    .map(({ start = 0 }) => (source?.getLineAndCharacterOfPosition(start).line ?? 0) - header.length)
  return [...new Set(lines)]
}
