import { generateKeyPairSync } from 'node:crypto'
import { RescindError } from 'rescind'
import { createFlaskJwt, type FlaskOptions, fromFlaskConfig } from 'rescind/compat/flask-jwt-extended'
import { expect, it } from 'vitest'
import { SECRET } from './support/flask.ts'

/** What a configuration is refused with. */
function refusal(options: object, migration = {}): string {
  try {
    fromFlaskConfig({ JWT_SECRET_KEY: SECRET, ...options } as FlaskOptions, migration)
  } catch (error) {
    if (error instanceof RescindError) return `${error.code}: ${error.message}`
  }
  return 'taken'
}

it.each<[string, unknown]>([
  ['JWT_UNKNOWN', 1],
  ['DEBUG', true],
  ['JWT_ALGORITHM', 'none'],
  ['JWT_ALGORITHM', 'hs256'],
  ['JWT_DECODE_ALGORITHMS', ['NONE']],
  ['JWT_DECODE_ALGORITHMS', [1]],
  ['JWT_SECRET_KEY', 42],
  ['JWT_TOKEN_LOCATION', []],
  ['JWT_TOKEN_LOCATION', ['header']],
  ['JWT_TOKEN_LOCATION', 5],
  ['JWT_HEADER_NAME', ''],
  ['JWT_QUERY_STRING_NAME', ''],
  ['JWT_JSON_KEY', null],
  ['JWT_ACCESS_COOKIE_NAME', 'a b'],
  ['JWT_REFRESH_COOKIE_NAME', 'access_token_cookie'],
  ['JWT_ACCESS_COOKIE_PATH', 'api'],
  ['JWT_REFRESH_CSRF_COOKIE_PATH', '/;'],
  ['JWT_COOKIE_DOMAIN', 'a b'],
  ['JWT_COOKIE_SAMESITE', 'lax'],
  ['JWT_COOKIE_SECURE', 'yes'],
  ['JWT_SESSION_COOKIE', 1],
  ['JWT_ACCESS_TOKEN_EXPIRES', true],
  ['JWT_ACCESS_TOKEN_EXPIRES', '15'],
  ['JWT_ACCESS_TOKEN_EXPIRES', Number.NaN],
  ['JWT_ACCESS_TOKEN_EXPIRES', { fortnights: 1 }],
  ['JWT_REFRESH_TOKEN_EXPIRES', { days: '1' }],
  ['JWT_DECODE_LEEWAY', -1],
  ['JWT_DECODE_AUDIENCE', ['']],
  ['JWT_ENCODE_ISSUER', ['a']],
  ['JWT_IDENTITY_CLAIM', ''],
  ['JWT_ERROR_MESSAGE_KEY', 1],
  ['JWT_VERIFY_SUB', 'no'],
])('refuses %s = %j, and names it', (name, value) => {
  expect(refusal({ [name]: value })).toMatch(new RegExp(`^invalid_config: .*\\b${name}\\b`))
})

it.each<[string, object]>([
  ['JWT_CSRF_METHODS', { JWT_TOKEN_LOCATION: 'cookies', JWT_CSRF_METHODS: ['A B'] }],
  ['JWT_ACCESS_CSRF_HEADER_NAME', { JWT_TOKEN_LOCATION: 'cookies', JWT_ACCESS_CSRF_HEADER_NAME: 'a:b' }],
  ['JWT_COOKIE_SECURE', { JWT_COOKIE_SAMESITE: 'None' }],
])('refuses an unusable %s', (name, options) => {
  expect(refusal(options)).toMatch(new RegExp(`^invalid_config: .*\\b${name}\\b`))
})

it('takes secrets of 32 bytes for every HMAC algorithm, and shorter ones for a migration only', () => {
  expect(refusal({ JWT_SECRET_KEY: 'super-secret' })).toMatch(/^unsafe_key: JWT_SECRET_KEY: /)
  expect(refusal({ JWT_SECRET_KEY: null, SECRET_KEY: 'super-secret' })).toMatch(/^unsafe_key: SECRET_KEY: /)
  expect(refusal({ JWT_SECRET_KEY: 'super-secret' }, { allowWeakSecret: true })).toBe('taken')
  expect(refusal({ JWT_ALGORITHM: 'HS512' })).toBe('taken')
  expect(refusal({ JWT_ALGORITHM: 'HS512', JWT_SECRET_KEY: 'a'.repeat(40) })).toMatch(/^unsafe_key: JWT_SECRET_KEY: /)
  const { publicKey } = generateKeyPairSync('ed25519')
  const pem = publicKey.export({ format: 'pem', type: 'spki' })
  expect(refusal({ JWT_SECRET_KEY: pem }, { allowWeakSecret: true })).toMatch(/^unsafe_key: JWT_SECRET_KEY: /)
  expect(refusal({ JWT_ALGORITHM: 'RS256', JWT_PUBLIC_KEY: pem })).toMatch(/^unsafe_key: JWT_PUBLIC_KEY: /)
})

it('says which key is missing', () => {
  expect(() => createFlaskJwt(fromFlaskConfig({}))).toThrow('JWT_SECRET_KEY must be set')
  expect(() => createFlaskJwt(fromFlaskConfig({ JWT_ALGORITHM: 'EdDSA' }))).toThrow('JWT_PUBLIC_KEY must be set')
  const mixed = fromFlaskConfig({ JWT_SECRET_KEY: SECRET, JWT_DECODE_ALGORITHMS: ['RS256'] })
  expect(() => createFlaskJwt(mixed)).toThrow('JWT_DECODE_ALGORITHMS')
  expect(() => createFlaskJwt(mixed, { loaders: { decodeKey: () => SECRET } })).not.toThrow()
})

it('creates no token where only a public key is configured', async () => {
  const { publicKey } = generateKeyPairSync('ed25519')
  const pem = String(publicKey.export({ format: 'pem', type: 'spki' }))
  const jwt = createFlaskJwt(fromFlaskConfig({ JWT_ALGORITHM: 'EdDSA', JWT_PUBLIC_KEY: pem }))
  await expect(jwt.createAccessToken('alice')).rejects.toThrow('JWT_PRIVATE_KEY')
})

it('reads spans of time as numbers and as the parts of a timedelta', () => {
  const { settings } = fromFlaskConfig({
    JWT_SECRET_KEY: SECRET,
    JWT_ACCESS_TOKEN_EXPIRES: { weeks: 1, days: 1, hours: 1, minutes: 1, seconds: 1 },
    JWT_REFRESH_TOKEN_EXPIRES: false,
    JWT_DECODE_LEEWAY: 10,
  })
  expect(settings.JWT_ACCESS_TOKEN_EXPIRES).toBe(604_800 + 86_400 + 3_600 + 60 + 1)
  expect(settings.JWT_REFRESH_TOKEN_EXPIRES).toBe(false)
  expect(settings.JWT_DECODE_LEEWAY).toBe(10)
})
