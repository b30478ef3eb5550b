import { resolve } from 'node:path'
import { z } from 'zod'
import { isPostgresUrl, isRedisUrl, isSmtpUrl } from './connection-url.ts'
import { DAY_MS, duration, MINUTE_MS } from './duration.ts'
import { defaultMailbox, isMailbox } from './mail/mailbox.ts'
import { type MetricsAddress, metricsAddress, metricsVariables } from './metrics/variables.ts'
import { portNumber } from './port-number.ts'
import type { RateLimitSettings } from './rate-limits/settings.ts'
import { rateLimitsOf, rateLimitVariables } from './rate-limits/variables.ts'
import type { Credentials } from './services/accounts.ts'
import { parseEmailAddress } from './services/email-address.ts'
import type { RegistrationMode } from './services/registration.ts'
import { readTrustedProxies, type TrustedProxies } from './trusted-proxies.ts'
import { isOrigin } from './web-origin.ts'

/** A setting nobody can start with. The message is one line, for the operator, and never holds a secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** What the environment says, checked and with its defaults filled in. */
export interface Config {
  readonly port: number
  readonly host: string
  readonly dataDir: string
  /** PostgreSQL; none: SQLite in `dataDir`. */
  readonly databaseUrl: string | undefined
  readonly redisUrl: string | undefined
  readonly issuer: string
  /** Whom access tokens are for; none: they name nobody. */
  readonly audience: string | undefined
  readonly accessTtlSeconds: number
  readonly refreshTtlSeconds: number
  /** However often it is refreshed, a session ends after so long. */
  readonly sessionMaxAgeSeconds: number
  readonly sessionsPerUser: number
  readonly signingAlg: SigningAlg
  readonly signingKey: string | undefined
  readonly signingKeyFile: string | undefined
  /** What the signing keys in the database are sealed with; none: there are none. */
  readonly keyEncryptionKey: Buffer | undefined
  readonly maxStalenessMs: number
  readonly onUnavailable: 'deny' | 'allow'
  readonly registration: RegistrationMode
  /** Links in mails begin with it. */
  readonly publicUrl: string
  /** None: mails are written into a folder in `dataDir`. */
  readonly smtpUrl: string | undefined
  readonly mailFrom: string
  /** The account made at the first start. */
  readonly firstAdmin: Credentials | undefined
  /** What resource servers show; none: they are not served. */
  readonly serviceTokens: readonly string[]
  readonly trustProxy: TrustedProxies
  readonly corsOrigins: readonly string[]
  /** How many requests are let through; `null`: all of them. */
  readonly rateLimits: RateLimitSettings | null
  readonly metricsAddress: MetricsAddress
  readonly logLevel: string
}

const SIGNING_ALGS = ['EdDSA', 'ES256', 'RS256', 'PS256', 'HS256'] as const
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

/** The algorithms a service key may be made for. */
export type SigningAlg = (typeof SIGNING_ALGS)[number]

const DEFAULT_SESSION_MAX_AGE_MS = 90 * DAY_MS

function isIssuer(text: string): boolean {
  if (!URL.canParse(text) || /[\s?#]/.test(text)) return false
  const url = new URL(text)
  // RFC 8414 §2: an issuer is a URL without query and fragment.
  return (
    /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '' && url.username === '' && url.password === ''
  )
}

// Each description ends the line "NAME holds …; it may hold …".
const environment = z.object({
  PORT: portNumber.prefault('3000').describe('a port from 0 to 65535 (0: any free one)'),
  HOST: z
    .string()
    .regex(/^[0-9A-Za-z.:_-]{1,253}$/)
    .prefault('127.0.0.1')
    .describe('a host name or an IP address to listen on'),
  DATA_DIR: z.string().prefault('./data').describe('the path of a directory'),
  DATABASE_URL: z
    .string()
    .refine((text) => text === 'sqlite' || isPostgresUrl(text))
    .optional()
    .describe(
      'nothing or "sqlite" (SQLite in DATA_DIR), or postgres://user:password@host:5432/database, escaped as URLs are',
    ),
  REDIS_URL: z
    .string()
    .refine(isRedisUrl)
    .optional()
    .describe('nothing, or redis://user:password@host:6379/0 (rediss:// with TLS), escaped as URLs are'),
  ISSUER: z.string().max(2048).refine(isIssuer).optional().describe('an http or https URL without query or fragment'),
  AUDIENCE: z
    .string()
    .regex(/^[\x21-\x7e]{1,256}$/)
    .optional()
    .describe('the name or the URL of the resource servers that access tokens are for, without spaces'),
  ACCESS_TOKEN_TTL: duration(1000, DAY_MS).prefault('15m').describe('a duration from 1s to 1d, like 90s or 15m'),
  REFRESH_TOKEN_TTL: duration(1000, 365 * DAY_MS)
    .prefault('30d')
    .describe('a duration from 1s to 365d, like 12h or 30d'),
  SESSION_MAX_AGE: duration(1000, 3650 * DAY_MS)
    .optional()
    .describe('a duration from 1s to 3650d, like 12h or 90d'),
  SESSIONS_PER_USER: z
    .string()
    .regex(/^\d{1,4}$/)
    .transform(Number)
    .refine((count) => count >= 1 && count <= 1000)
    .prefault('50')
    .describe('a number from 1 to 1000'),
  SIGNING_ALG: z
    .enum(SIGNING_ALGS)
    .prefault('EdDSA')
    .describe(`one of ${SIGNING_ALGS.join(', ')}`),
  SIGNING_KEY: z.string().optional().describe('a private JWK, a PEM key, or a secret for HS256'),
  SIGNING_KEY_FILE: z.string().optional().describe('the path of a file with a private JWK, a PEM key, or a secret'),
  KEY_ENCRYPTION_KEY: z
    .string()
    .regex(/^[\w-]{43}$/)
    .transform((text) => Buffer.from(text, 'base64url'))
    .optional()
    .describe(
      '32 random bytes in base64url, 43 characters, like the output of: openssl rand -base64 32 | tr +/ -_ | tr -d =',
    ),
  REVOCATION_MAX_STALENESS: duration(100, 10 * MINUTE_MS)
    .prefault('2s')
    .describe('a duration from 100ms to 10m, like 2s'),
  REVOCATION_UNAVAILABLE: z.enum(['deny', 'allow']).prefault('deny').describe('deny or allow'),
  REGISTRATION: z
    .enum(['open', 'verify', 'closed'])
    .prefault('open')
    .describe('open, verify (a link in a mail completes it) or closed'),
  PUBLIC_URL: z
    .string()
    .max(2048)
    .refine(isIssuer)
    .optional()
    .describe('an http or https URL without query or fragment'),
  SMTP_URL: z
    .string()
    .refine(isSmtpUrl)
    .optional()
    .describe('nothing, or smtp://user:password@host:587 (smtps:// with TLS from the start), escaped as URLs are'),
  MAIL_FROM: z
    .string()
    .max(320)
    .refine(isMailbox)
    .optional()
    .describe('an e-mail address, alone or as in: Example <no-reply@example.com>'),
  ADMIN_EMAIL: z
    .string()
    .refine((text) => parseEmailAddress(text) !== null)
    .optional()
    .describe('an e-mail address'),
  ADMIN_PASSWORD: z
    .string()
    .refine((text) => [...text].length >= 8 && [...text].length <= 128)
    .optional()
    .describe('a password of 8 to 128 characters that is hard to guess'),
  SERVICE_TOKEN: z
    .string()
    .regex(/^[\w.~+/-]{32,512}=*(,[\w.~+/-]{32,512}=*)?$/)
    .optional()
    .describe('a secret of 32 to 512 letters, digits and - . _ ~ + /, or two of them with a comma between'),
  TRUST_PROXY: z
    .string()
    .refine((text) => readTrustedProxies(text) !== null)
    .transform((text) => readTrustedProxies(text) ?? false)
    .prefault('false')
    .describe(
      'false, a number of proxies from 1 to 10, or IP addresses and networks like 10.0.0.0/8, with commas between',
    ),
  CORS_ORIGINS: z
    .string()
    .transform((text) => text.split(',').map((origin) => origin.trim()))
    .refine((origins) => origins.every(isOrigin))
    .optional()
    .describe('origins like https://app.example.com, with commas between; neither * nor null'),
  ...rateLimitVariables,
  ...metricsVariables,
  LOG_LEVEL: z
    .enum(LOG_LEVELS)
    .prefault('info')
    .describe(`one of ${LOG_LEVELS.join(', ')}`),
})

/** Every variable the service reads. */
export const variableNames: readonly string[] = Object.keys(environment.shape)

// A connection URL holds a password, a key is one: neither is ever echoed.
const SECRET_NAMES = new Set([
  'SIGNING_KEY',
  'KEY_ENCRYPTION_KEY',
  'SERVICE_TOKEN',
  'DATABASE_URL',
  'REDIS_URL',
  'SMTP_URL',
  'ADMIN_PASSWORD',
])
const MAX_ECHO = 80

function describeValue(name: string, value: string): string {
  if (SECRET_NAMES.has(name)) return 'an unusable value (not shown, it may be secret)'
  return JSON.stringify(value.length > MAX_ECHO ? `${value.slice(0, MAX_ECHO)}…` : value)
}

/**
 * Reads the configuration out of environment variables. An empty variable counts as unset, as compose files pass them.
 *
 * @throws ConfigError naming the variable, what it holds and what it may hold
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(variableNames.flatMap((name) => (env[name] ? [[name, env[name]]] : [])))
  const result = environment.safeParse(given)
  if (!result.success) {
    const name = String(result.error.issues[0]?.path[0])
    const may = environment.shape[name as keyof typeof environment.shape]?.description ?? 'another value'
    throw new ConfigError(`${name} holds ${describeValue(name, env[name] ?? '')}; it may hold ${may}`)
  }
  const values = result.data
  if (values.SIGNING_KEY !== undefined && values.SIGNING_KEY_FILE !== undefined) {
    throw new ConfigError('SIGNING_KEY and SIGNING_KEY_FILE are both set; set one of them')
  }
  const givenKey = values.SIGNING_KEY === undefined ? 'SIGNING_KEY_FILE' : 'SIGNING_KEY'
  if (values.KEY_ENCRYPTION_KEY !== undefined && (values.SIGNING_KEY ?? values.SIGNING_KEY_FILE) !== undefined) {
    throw new ConfigError(`${givenKey} and KEY_ENCRYPTION_KEY are both set; set one of them`)
  }
  if (values.REFRESH_TOKEN_TTL < values.ACCESS_TOKEN_TTL) {
    throw new ConfigError(
      `REFRESH_TOKEN_TTL holds ${values.REFRESH_TOKEN_TTL / 1000}s; it may hold ACCESS_TOKEN_TTL (${values.ACCESS_TOKEN_TTL / 1000}s) or more`,
    )
  }
  const sessionMaxAge = values.SESSION_MAX_AGE ?? Math.max(DEFAULT_SESSION_MAX_AGE_MS, values.REFRESH_TOKEN_TTL)
  if (sessionMaxAge < values.REFRESH_TOKEN_TTL) {
    throw new ConfigError(
      `SESSION_MAX_AGE holds ${sessionMaxAge / 1000}s; it may hold REFRESH_TOKEN_TTL (${values.REFRESH_TOKEN_TTL / 1000}s) or more`,
    )
  }
  const issuer = values.ISSUER ?? defaultIssuer(values.HOST, values.PORT)
  const publicUrl = values.PUBLIC_URL ?? issuer
  return {
    port: values.PORT,
    host: values.HOST,
    dataDir: resolve(values.DATA_DIR),
    databaseUrl: values.DATABASE_URL === 'sqlite' ? undefined : values.DATABASE_URL,
    redisUrl: values.REDIS_URL,
    issuer,
    audience: values.AUDIENCE,
    accessTtlSeconds: values.ACCESS_TOKEN_TTL / 1000,
    refreshTtlSeconds: values.REFRESH_TOKEN_TTL / 1000,
    sessionMaxAgeSeconds: sessionMaxAge / 1000,
    sessionsPerUser: values.SESSIONS_PER_USER,
    signingAlg: values.SIGNING_ALG,
    signingKey: values.SIGNING_KEY,
    signingKeyFile: values.SIGNING_KEY_FILE === undefined ? undefined : resolve(values.SIGNING_KEY_FILE),
    keyEncryptionKey: values.KEY_ENCRYPTION_KEY,
    maxStalenessMs: values.REVOCATION_MAX_STALENESS,
    onUnavailable: values.REVOCATION_UNAVAILABLE,
    registration: values.REGISTRATION,
    publicUrl,
    smtpUrl: values.SMTP_URL,
    mailFrom: values.MAIL_FROM ?? defaultMailbox(publicUrl),
    firstAdmin: firstAdmin(values.ADMIN_EMAIL, values.ADMIN_PASSWORD),
    serviceTokens: values.SERVICE_TOKEN?.split(',') ?? [],
    trustProxy: values.TRUST_PROXY,
    corsOrigins: values.CORS_ORIGINS ?? [],
    rateLimits: rateLimitsOf(values),
    metricsAddress: metricsAddress(values),
    logLevel: values.LOG_LEVEL,
  }
}

function firstAdmin(address: string | undefined, password: string | undefined): Credentials | undefined {
  const email = address === undefined ? null : parseEmailAddress(address)
  if (email !== null && password !== undefined) return { email, password }
  if (email === null && password === undefined) return undefined
  throw new ConfigError('ADMIN_EMAIL and ADMIN_PASSWORD are set one without the other; set both or neither')
}

// A free port is another one at every start. An issuer that named it would refuse the tokens of the run before.
function defaultIssuer(host: string, port: number): string {
  return port === 0 ? baseUrl(host, port).replace(/:0$/, '') : baseUrl(host, port)
}

/** The URL of a host and port; an IPv6 address needs its brackets. */
export function baseUrl(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
