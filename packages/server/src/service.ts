import { type FastifyInstance, fastify } from 'fastify'
import { createRescind, type JsonObject, type RescindOptions } from 'rescind'
import { createApp } from './app.ts'
import { catchingUpRescind } from './catching-up-rescind.ts'
import { type Closers, openingAll } from './closers.ts'
import type { Config } from './config.ts'
import { makeDataDirectory } from './data-directory.ts'
import { createEarlyWarnings, type EarlyWarnings } from './early-warnings.ts'
import { loggerOptions } from './logging.ts'
import { openMailTransport } from './mail/open-mail-transport.ts'
import { createMetricsListener, type MetricsListener } from './metrics/listener.ts'
import { createMetrics } from './metrics/metrics.ts'
import { openBackends } from './open-backends.ts'
import { keysInDatabase, openSigningKeys } from './open-signing-keys.ts'
import { openRateLimits } from './rate-limits/open-rate-limits.ts'
import { createReadiness } from './readiness.ts'
import { changesAcrossStores, changesInOneTransaction } from './services/account-changes.ts'
import { createFirstAdmin } from './services/first-admin.ts'
import { createPasswords, passwordLimiter } from './services/passwords.ts'
import { timelyRescind } from './timely-rescind.ts'
import { tokenPlaces } from './token-cookies.ts'
import { registeredTracer } from './tracing/registered-tracer.ts'
import { tracedPasswords } from './tracing/traced-passwords.ts'
import { tracedRescind } from './tracing/traced-rescind.ts'
import { createWriteHealth } from './write-health.ts'

/** The service on what its configuration names, ready to listen. */
export interface Service {
  readonly app: FastifyInstance
  /** Where metrics are read on a port of their own; `null`: at `/metrics`. */
  readonly metrics: MetricsListener | null
  /**
   * Lets requests in flight end, but no longer than this many milliseconds; then closes all. Where something cannot be
   * closed, the rest is all the same, the log names it, and the first failure rejects.
   */
  close(drainMs: number): Promise<void>
}

/**
 * Opens everything the configuration names.
 *
 * @throws ConfigError for what the operator can mend
 */
export async function createService(config: Config, logStream: { write(line: string): void }): Promise<Service> {
  makeDataDirectory(config.dataDir)
  const warnings = createEarlyWarnings()
  try {
    return await openingAll(warnings.warn, (closers) => compose({ config, closers, warnings, logStream }))
  } catch (error) {
    // Among them is what could not be closed.
    const { log } = fastify({ logger: loggerOptions({ level: config.logLevel, stream: logStream }) })
    warnings.sendTo((message) => log.warn(message))
    throw error
  }
}

async function compose(parts: {
  config: Config
  closers: Closers
  warnings: EarlyWarnings
  logStream: { write(line: string): void }
}): Promise<Service> {
  const { config, closers, warnings, logStream } = parts
  const backends = await openBackends(config, warnings.warn)
  closers.include(() => backends.close())
  const { database, store } = backends
  const signing = await openSigningKeys(config, database, warnings.warn)
  closers.add('the signing keys', () => signing.close())
  const writes = createWriteHealth(backends.probe)
  const metrics = createMetrics()
  const tracer = registeredTracer()
  const rescind = createRescind({
    store,
    keys: signing.keys,
    issuer: config.issuer,
    ...accessTokensFor(config.audience),
    accessTtlSeconds: config.accessTtlSeconds,
    refreshTtlSeconds: config.refreshTtlSeconds,
    sessionTtlSeconds: config.sessionMaxAgeSeconds,
    ...tokenPlaces(config.issuer),
    maxStalenessMs: config.maxStalenessMs,
    onUnavailable: config.onUnavailable,
    onWarning: warnings.warn,
    onArrival: (_record, delayMs) => metrics.arrived(delayMs),
  })
  closers.add('the copy of the ledger', () => rescind.close())
  await rescind.ready().catch((error: unknown) => {
    throw backends.startFailure(error)
  })
  const auth = tracedRescind(timelyRescind(catchingUpRescind(rescind, signing), writes), tracer)
  const passwordQueue = passwordLimiter()
  const passwords = tracedPasswords(createPasswords(passwordQueue), tracer)
  if (config.firstAdmin !== undefined) await createFirstAdmin(config.firstAdmin, { users: database.users, passwords })
  const transport = await openMailTransport(config, (file) => {
    app.log.info({ outbox: file }, 'a mail was written to the outbox in DATA_DIR, since SMTP_URL is not set')
  })
  closers.add('the way to the mail server', () => transport.close())
  const limiting = await openRateLimits(config, warnings.warn)
  closers.add('the rate limits', () => limiting.close())
  const listener = config.metricsAddress === null ? null : createMetricsListener(metrics)
  // Before the application, and so closed after it: how the last requests ended can be read to the end.
  if (listener !== null) closers.add('the port of the metrics', () => listener.close())
  const app = await createApp({
    auth,
    signing,
    issuer: config.issuer,
    database,
    changes: backends.isOneDatabase ? changesInOneTransaction(auth, database) : changesAcrossStores(auth, database),
    readiness: createReadiness({ auth, users: database.users, writes, mirror: backends.mirror?.status ?? null }),
    passwords,
    registration: config.registration,
    mail: { transport, publicUrl: config.publicUrl },
    operation: { ledger: store.ledger, keys: keysInDatabase(config, database)?.keys ?? null },
    revocationFeed: { ledger: store.ledger, serviceTokens: config.serviceTokens },
    trustProxy: config.trustProxy,
    corsOrigins: config.corsOrigins,
    sessionsPerUser: config.sessionsPerUser,
    sessionIdleMs: config.refreshTtlSeconds * 1000,
    rateLimits: limiting.rateLimits,
    pressure: {},
    metrics: {
      metrics,
      passwordQueue,
      readers: config.metricsAddress === null ? { serviceTokens: config.serviceTokens } : null,
    },
    tracer,
    log: { level: config.logLevel, stream: logStream },
  })
  warnings.sendTo((message) => app.log.warn(message))
  closers.add('the application', () => app.close())
  return {
    app,
    metrics: listener,
    async close(drainMs) {
      const deadline = setTimeout(() => app.server.closeAllConnections(), drainMs)
      await closers.close().finally(() => clearTimeout(deadline))
    },
  }
}

// RFC 9068 §2.2 asks for the client that a token was made for. People log in to the service itself.
const OWN_CLIENT_ID = 'rescind'

/** For resource servers named as audience, access tokens follow RFC 9068. */
function accessTokensFor(audience: string | undefined): Partial<RescindOptions> {
  if (audience === undefined) return {}
  return {
    audience,
    accessTokenTyp: 'at+jwt',
    claims: ({ type }): JsonObject => (type === 'access' ? { client_id: OWN_CLIENT_ID } : {}),
  }
}
