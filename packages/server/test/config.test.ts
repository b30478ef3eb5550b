import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConfigError, readConfig } from '../src/config.ts'
import { withEnvFile } from '../src/env-file.ts'
import { defaultRateLimits } from '../src/rate-limits/settings.ts'

describe('the environment', () => {
  it('has a default for everything', () => {
    const expected = {
      port: 3000,
      host: '127.0.0.1',
      dataDir: resolve('data'),
      databaseUrl: undefined,
      redisUrl: undefined,
      issuer: 'http://127.0.0.1:3000',
      audience: undefined,
      accessTtlSeconds: 900,
      refreshTtlSeconds: 30 * 86_400,
      sessionMaxAgeSeconds: 90 * 86_400,
      sessionsPerUser: 50,
      signingAlg: 'EdDSA',
      signingKey: undefined,
      signingKeyFile: undefined,
      keyEncryptionKey: undefined,
      maxStalenessMs: 2000,
      onUnavailable: 'deny',
      registration: 'open',
      publicUrl: 'http://127.0.0.1:3000',
      smtpUrl: undefined,
      mailFrom: 'no-reply@localhost',
      firstAdmin: undefined,
      serviceTokens: [],
      trustProxy: false,
      corsOrigins: [],
      rateLimits: defaultRateLimits,
      metricsAddress: null,
      logLevel: 'info',
    }
    expect(readConfig({})).toEqual(expected)
    expect(readConfig({ PORT: '', HOST: '', DATABASE_URL: '', UNRELATED: 'x' })).toEqual(expected)
  })

  it('is read in its units', () => {
    const config = readConfig({ ACCESS_TOKEN_TTL: '90s', REFRESH_TOKEN_TTL: '12h', REVOCATION_MAX_STALENESS: '500ms' })
    expect(config).toMatchObject({ accessTtlSeconds: 90, refreshTtlSeconds: 43_200, maxStalenessMs: 500 })
    expect(readConfig({ SESSION_MAX_AGE: '31d', SESSIONS_PER_USER: '5' })).toMatchObject({
      sessionMaxAgeSeconds: 31 * 86_400,
      sessionsPerUser: 5,
    })
    // Nobody has to say that a session lives at least as long as its first refresh token.
    expect(readConfig({ REFRESH_TOKEN_TTL: '365d' }).sessionMaxAgeSeconds).toBe(365 * 86_400)
    expect(readConfig({ HOST: '::1', PORT: '8080' }).issuer).toBe('http://[::1]:8080')
    const [one, two] = ['a'.repeat(32), `${'b'.repeat(43)}=`]
    expect(readConfig({ SERVICE_TOKEN: one }).serviceTokens).toEqual([one])
    expect(readConfig({ SERVICE_TOKEN: `${one},${two}` }).serviceTokens).toEqual([one, two])
    expect(readConfig({ ISSUER: 'https://id.example.test' }).issuer).toBe('https://id.example.test')
    expect(readConfig({ ISSUER: 'https://id.example.test' })).toMatchObject({
      publicUrl: 'https://id.example.test',
      mailFrom: 'no-reply@id.example.test',
    })
    const mail = {
      PUBLIC_URL: 'https://app.example.test/people',
      SMTP_URL: 'smtps://user:p%40ss@mail.example.test',
      MAIL_FROM: 'Ünsere App <app@example.test>',
    }
    expect(readConfig(mail)).toMatchObject({
      publicUrl: mail.PUBLIC_URL,
      smtpUrl: mail.SMTP_URL,
      mailFrom: mail.MAIL_FROM,
    })
  })

  it.each([
    ['PORT', '99999'],
    ['PORT', 'http'],
    ['PORT', '-1'],
    ['PORT', '3e3'],
    ['METRICS_PORT', '65536'],
    ['METRICS_PORT', 'off'],
    ['METRICS_HOST', 'a b'],
    ['HOST', 'a b'],
    ['DATABASE_URL', 'mysql://user:hunter2@db/rescind'],
    ['DATABASE_URL', 'hunter2'],
    ['DATABASE_URL', 'postgres://user:hunter2@/rescind'],
    ['DATABASE_URL', 'postgres://user:1/hunter2@db/rescind'],
    ['DATABASE_URL', 'postgres://user:1?hunter2@db/rescind'],
    ['DATABASE_URL', 'postgres://user:1#hunter2@db/rescind'],
    ['DATABASE_URL', 'postgres://user:hunter2%zz@db/rescind'],
    ['REDIS_URL', 'http://user:hunter2@cache'],
    ['REDIS_URL', 'redis://:hunter2@'],
    ['REDIS_URL', 'redis://:hunter2@cache/rescind'],
    ['REDIS_URL', 'redis://:1/hunter2@cache'],
    ['REDIS_URL', 'cache:6379'],
    ['ISSUER', 'example.test'],
    ['ISSUER', 'https://example.test/?a=b'],
    ['ACCESS_TOKEN_TTL', '15'],
    ['ACCESS_TOKEN_TTL', '0s'],
    ['ACCESS_TOKEN_TTL', '2d'],
    ['ACCESS_TOKEN_TTL', '500ms'],
    ['REFRESH_TOKEN_TTL', '1y'],
    ['REFRESH_TOKEN_TTL', '1m'],
    ['SESSION_MAX_AGE', '90'],
    ['SESSION_MAX_AGE', '29d'],
    ['SESSIONS_PER_USER', '0'],
    ['SESSIONS_PER_USER', '1001'],
    ['SESSIONS_PER_USER', '1e2'],
    ['SIGNING_ALG', 'none'],
    ['SIGNING_ALG', 'HS512'],
    ['REVOCATION_MAX_STALENESS', 'forever'],
    ['REVOCATION_UNAVAILABLE', 'maybe'],
    ['PUBLIC_URL', 'app.example.test'],
    ['PUBLIC_URL', 'javascript:alert(1)'],
    ['SMTP_URL', 'http://user:hunter2@mail'],
    ['SMTP_URL', 'smtp://user@mail'],
    ['SMTP_URL', 'smtp://user:1/hunter2@mail'],
    ['SMTP_URL', 'smtp://user:hunter2@mail/?tls.rejectUnauthorized=false'],
    ['MAIL_FROM', 'nobody'],
    ['MAIL_FROM', 'a@example.test\nBcc: b@example.test'],
    ['MAIL_FROM', 'A\r\nBcc: b@example.test <a@example.test>'],
    ['MAIL_FROM', 'a@example.test, b@example.test'],
    ['ADMIN_EMAIL', 'root'],
    ['ADMIN_PASSWORD', 'hunter2'],
    ['REGISTRATION', 'Open'],
    ['SERVICE_TOKEN', 'hunter2'],
    ['SERVICE_TOKEN', `hunter2 ${'x'.repeat(40)}`],
    ['SERVICE_TOKEN', `${'x'.repeat(40)},hunter2`],
    ['LOG_LEVEL', 'loud'],
  ])('with %s=%s is refused in one line', (name, value) => {
    const error = thrownBy(() => readConfig({ [name]: value }))
    expect(error.message).toMatch(new RegExp(`^${name} holds .+; it may hold .+$`))
    expect(error.message).not.toContain('\n')
    expect(error.message).not.toContain('hunter2')
  })

  it.each([
    'postgres://db/rescind',
    'postgresql://user:p%40ss%2F@db.example.test:5433/rescind?sslmode=verify-full',
    'postgres://user@[::1]:5432/rescind',
    'postgres:///rescind?host=/run/postgresql',
  ])('takes %s for a database', (url) => expect(readConfig({ DATABASE_URL: url }).databaseUrl).toBe(url))

  it.each(['redis://cache', 'redis://:p%40ss@cache:6380/3', 'rediss://user:pass@cache.example.test:6379/'])(
    'takes %s for Redis',
    (url) => expect(readConfig({ REDIS_URL: url }).redisUrl).toBe(url),
  )

  it('means SQLite by "sqlite"', () => expect(readConfig({ DATABASE_URL: 'sqlite' }).databaseUrl).toBeUndefined())

  it('listens for metrics on their own only where it is told a port', () => {
    expect(readConfig({ METRICS_HOST: '::1' }).metricsAddress).toBe(null)
    expect(readConfig({ METRICS_PORT: '0' }).metricsAddress).toEqual({ port: 0, host: '127.0.0.1' })
    const both = { METRICS_PORT: '9090', METRICS_HOST: '::1' }
    expect(readConfig(both).metricsAddress).toEqual({ port: 9090, host: '::1' })
  })

  it('names an issuer that outlives a restart on another free port', () => {
    expect(readConfig({ PORT: '0' }).issuer).toBe('http://127.0.0.1')
    expect(readConfig({ PORT: '0', HOST: '::1' }).issuer).toBe('http://[::1]')
    expect(readConfig({ PORT: '0', ISSUER: 'https://id.example.test' }).issuer).toBe('https://id.example.test')
  })

  it('may not name two signing keys', () => {
    const error = thrownBy(() => readConfig({ SIGNING_KEY: 'k3y-material', SIGNING_KEY_FILE: 'key.json' }))
    expect(error.message).toMatch(/SIGNING_KEY and SIGNING_KEY_FILE/)
    expect(error.message).not.toContain('k3y-material')
  })
})

describe('.env', () => {
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'rescind-env-'))
  })
  afterAll(() => rmSync(directory, { recursive: true }))
  const write = (text: string) => {
    const path = join(directory, '.env')
    writeFileSync(path, text)
    return path
  }

  it('stands behind the environment', () => {
    const path = write('# a comment\nPORT=4000\nHOST="0.0.0.0"\n')
    expect(readConfig(withEnvFile({ PORT: '5000' }, path))).toMatchObject({ port: 5000, host: '0.0.0.0' })
  })

  it('may be missing', () => {
    expect(withEnvFile({ PORT: '1' }, join(directory, 'missing'))).toEqual({ PORT: '1' })
  })

  it('may not hold a name that nothing reads', () => {
    const path = write('ACCES_TOKEN_TTL=1m\n')
    expect(thrownBy(() => withEnvFile({}, path)).message).toMatch(
      /ACCES_TOKEN_TTL, which is unknown; it may set PORT, /,
    )
  })
})

function thrownBy(action: () => unknown): ConfigError {
  try {
    action()
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
