import { RescindError } from 'rescind'
import { ConfigError } from './config.ts'
import { placeOf, withoutSecrets } from './connection-url.ts'

/** A variable that names a server, and what it holds. */
export interface NamedServer {
  readonly variable: 'DATABASE_URL' | 'REDIS_URL'
  readonly url: string
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused the connection',
  ENOTFOUND: 'has an unknown name',
  EAI_AGAIN: 'has a name that cannot be looked up now',
  ETIMEDOUT: 'did not answer in time',
  '28P01': 'refused the user or the password',
  '28000': 'refused the user or the password',
  '3D000': 'has no such database',
  '42501': 'does not let this user make the tables',
  '53300': 'has no connection left',
  '57P03': 'is starting up or shutting down',
  WRONGPASS: 'refused the user or the password',
  NOAUTH: 'asks for a password',
}

/** What to tell the operator, in one line without secrets, when a server that the service needs cannot be used. */
export function startFailure(server: NamedServer, error: unknown): ConfigError {
  const place = placeOf(server.url)
  return new ConfigError(`${server.variable} names ${place}, which ${reasonOf(error, server.url)}; it may name another`)
}

function reasonOf(error: unknown, url: string): string {
  if (error instanceof RescindError && error.code === 'invalid_config') return `cannot be used: ${error.message}`
  const cause = driversOwn(error)
  const known = reasons[codeOf(cause)]
  if (known !== undefined) return known
  const message = cause instanceof Error ? cause.message : ''
  if (/time(d )?out|no answer within/i.test(message)) return 'did not answer in time'
  const told = withoutSecrets(message, url).replaceAll(/\s+/g, ' ').trim()
  return `cannot be used: ${told === '' ? codeOf(cause) : told}`
}

/** The driver's failure, below the library's: of several addresses that were tried, the first one's. */
function driversOwn(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) return driversOwn(error.errors[0])
  return error instanceof RescindError && error.cause !== undefined ? driversOwn(error.cause) : error
}

function codeOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown }
  if (typeof code === 'string') return code
  // Redis begins its refusals with a code.
  return (typeof message === 'string' ? /^[A-Z]{3,}\b/.exec(message)?.[0] : undefined) ?? 'unknown error'
}
