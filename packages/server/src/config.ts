import { resolve } from 'node:path'
import { z } from 'zod'
import { isPostgresUrl, isRedisUrl } from './connection-url.ts'

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
  readonly accessTtlSeconds: number
  readonly refreshTtlSeconds: number
  readonly signingAlg: SigningAlg
  readonly signingKey: string | undefined
  readonly signingKeyFile: string | undefined
  readonly maxStalenessMs: number
  readonly onUnavailable: 'deny' | 'allow'
  readonly registration: 'open' | 'closed'
  /** What resource servers show; none: they are not served. */
  readonly serviceTokens: readonly string[]
  readonly logLevel: string
}

const SIGNING_ALGS = ['EdDSA', 'ES256', 'RS256', 'PS256', 'HS256'] as const
const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

/** The algorithms a service key may be made for. */
export type SigningAlg = (typeof SIGNING_ALGS)[number]

const MS_PER_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

function duration(minMs: number, maxMs: number) {
  return z
    .string()
    .regex(/^\d{1,9}(ms|s|m|h|d)$/)
    .transform((text) => Number.parseInt(text, 10) * (MS_PER_UNIT[text.replace(/^\d+/, '')] ?? Number.NaN))
    .refine((ms) => ms >= minMs && ms <= maxMs)
}

function isIssuer(text: string): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  // RFC 8414 §2: an issuer is a URL without query and fragment.
  return /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '' && url.username === ''
}

// Each description ends the line "NAME holds …; it may hold …".
const environment = z.object({
  PORT: z
    .string()
    .regex(/^\d{1,5}$/)
    .transform(Number)
    .refine((port) => port <= 65_535)
    .prefault('3000')
    .describe('a port from 0 to 65535 (0: any free one)'),
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
  ACCESS_TOKEN_TTL: duration(1000, DAY_MS).prefault('15m').describe('a duration from 1s to 1d, like 90s or 15m'),
  REFRESH_TOKEN_TTL: duration(1000, 365 * DAY_MS)
    .prefault('30d')
    .describe('a duration from 1s to 365d, like 12h or 30d'),
  SIGNING_ALG: z
    .enum(SIGNING_ALGS)
    .prefault('EdDSA')
    .describe(`one of ${SIGNING_ALGS.join(', ')}`),
  SIGNING_KEY: z.string().optional().describe('a private JWK, a PEM key, or a secret for HS256'),
  SIGNING_KEY_FILE: z.string().optional().describe('the path of a file with a private JWK, a PEM key, or a secret'),
  REVOCATION_MAX_STALENESS: duration(100, 10 * MINUTE_MS)
    .prefault('2s')
    .describe('a duration from 100ms to 10m, like 2s'),
  REVOCATION_UNAVAILABLE: z.enum(['deny', 'allow']).prefault('deny').describe('deny or allow'),
  REGISTRATION: z
    .enum(['open', 'closed'])
    .prefault('open')
    .describe('open or closed ("verify" is not supported yet in this version)'),
  SERVICE_TOKEN: z
    .string()
    .regex(/^[\w.~+/-]{32,512}=*(,[\w.~+/-]{32,512}=*)?$/)
    .optional()
    .describe('a secret of 32 to 512 letters, digits and - . _ ~ + /, or two of them with a comma between'),
  LOG_LEVEL: z
    .enum(LOG_LEVELS)
    .prefault('info')
    .describe(`one of ${LOG_LEVELS.join(', ')}`),
})

/** Every variable the service reads. */
export const variableNames: readonly string[] = Object.keys(environment.shape)

// A connection URL holds a password, a key is one: neither is ever echoed.
const SECRET_NAMES = new Set(['SIGNING_KEY', 'SERVICE_TOKEN', 'DATABASE_URL', 'REDIS_URL'])
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
  if (values.REFRESH_TOKEN_TTL < values.ACCESS_TOKEN_TTL) {
    throw new ConfigError(
      `REFRESH_TOKEN_TTL holds ${values.REFRESH_TOKEN_TTL / 1000}s; it may hold ACCESS_TOKEN_TTL (${values.ACCESS_TOKEN_TTL / 1000}s) or more`,
    )
  }
  return {
    port: values.PORT,
    host: values.HOST,
    dataDir: resolve(values.DATA_DIR),
    databaseUrl: values.DATABASE_URL === 'sqlite' ? undefined : values.DATABASE_URL,
    redisUrl: values.REDIS_URL,
    issuer: values.ISSUER ?? defaultIssuer(values.HOST, values.PORT),
    accessTtlSeconds: values.ACCESS_TOKEN_TTL / 1000,
    refreshTtlSeconds: values.REFRESH_TOKEN_TTL / 1000,
    signingAlg: values.SIGNING_ALG,
    signingKey: values.SIGNING_KEY,
    signingKeyFile: values.SIGNING_KEY_FILE === undefined ? undefined : resolve(values.SIGNING_KEY_FILE),
    maxStalenessMs: values.REVOCATION_MAX_STALENESS,
    onUnavailable: values.REVOCATION_UNAVAILABLE,
    registration: values.REGISTRATION,
    serviceTokens: values.SERVICE_TOKEN?.split(',') ?? [],
    logLevel: values.LOG_LEVEL,
  }
}

// A free port is another one at every start. An issuer that named it would refuse the tokens of the run before.
function defaultIssuer(host: string, port: number): string {
  return port === 0 ? baseUrl(host, port).replace(/:0$/, '') : baseUrl(host, port)
}

/** The URL of a host and port; an IPv6 address needs its brackets. */
export function baseUrl(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
