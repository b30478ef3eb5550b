import { randomUUID } from 'node:crypto'
import helmet from '@fastify/helmet'
import type { Tracer } from '@opentelemetry/api'
import { type FastifyInstance, fastify } from 'fastify'
import { type Clock, type Ledger, type Rescind, RescindError, systemClock } from 'rescind'
import { createAccountServices, type MailOptions } from './account-services.ts'
import { refuseOtherMethods } from './allowed-methods.ts'
import { closeConnectionsAtEnd } from './closing-connections.ts'
import { unroutedAnswers } from './connection-errors.ts'
import { allowOrigins } from './cors.ts'
import type { Database } from './database.ts'
import { acceptOnlyJson } from './json-parser.ts'
import { type LogTarget, loggerOptions } from './logging.ts'
import { type AppMetrics, exposeMetrics } from './metrics/app-metrics.ts'
import { createRequestMetrics, type RequestMetrics } from './metrics/request-metrics.ts'
import { checkOrigin } from './origin-check.ts'
import { type PressureLimits, refuseUnderPressure } from './pressure.ts'
import { answerProblem } from './problems.ts'
import type { RateLimits } from './rate-limits/open-rate-limits.ts'
import { isLimited, limitRoutes, noRouteLimits } from './rate-limits/route-limits.ts'
import type { Readiness } from './readiness.ts'
import { onRequestEnd } from './request-end.ts'
import { accountRoutes } from './routes/accounts.ts'
import { adminRoutes } from './routes/admin/routes.ts'
import { discoveryRoutes } from './routes/discovery.ts'
import { documentationRoutes } from './routes/documentation.ts'
import { forwardAuthRoutes } from './routes/forward-auth.ts'
import { healthRoutes } from './routes/health.ts'
import { createLogins } from './routes/logins.ts'
import { mailedLinkRoutes } from './routes/mailed-links.ts'
import { oauthRoutes } from './routes/oauth.ts'
import { ownSessionRoutes } from './routes/own-sessions.ts'
import { type RevocationFeedOptions, revocationRoutes } from './routes/revocations.ts'
import { sessionRoutes } from './routes/sessions.ts'
import { logSecurityEvents } from './security-events.ts'
import { helmetOptions, rawSecurityHeaders } from './security-headers.ts'
import type { AccountChanges } from './services/account-changes.ts'
import { createClients } from './services/clients.ts'
import type { Keys } from './services/keys.ts'
import { createOperators } from './services/operators/create-operators.ts'
import type { Passwords } from './services/passwords.ts'
import type { RegistrationMode } from './services/registration.ts'
import type { ReadableKeys } from './services/revocable-tokens.ts'
import { createSessionCap } from './services/session-cap.ts'
import { createSessionUses } from './services/session-uses.ts'
import { tellOfPlainCookies } from './token-cookies.ts'
import { traceRequests } from './tracing/trace-requests.ts'
import { type TrustedProxies, trustOf } from './trusted-proxies.ts'

const MAX_BODY_BYTES = 65_536
// A client that sends a request byte by byte holds a connection no longer than this.
const REQUEST_TIMEOUT_MS = 30_000
const TIMEOUT_CHECK_MS = 1_000

/** What operators need to work. */
export interface OperationOptions {
  readonly ledger: Ledger
  /** The signing keys in the database. `null`: there are none */
  readonly keys: Keys | null
}

/** What the service is composed of. */
export interface AppOptions {
  readonly auth: Rescind
  /** The keys that `auth` checks tokens with. */
  readonly signing: ReadableKeys
  /** The URL that the service is reached at from outside. */
  readonly issuer: string
  readonly database: Database
  readonly changes: AccountChanges
  readonly readiness: Readiness
  readonly passwords: Passwords
  readonly registration: RegistrationMode
  /** @default no mails are sent */
  readonly mail?: MailOptions | undefined
  /** What resource servers may follow. @default nothing: the paths do not exist */
  readonly revocationFeed?: RevocationFeedOptions | undefined
  /** What operators work on besides. @default nothing: the paths under /admin do not exist */
  readonly operation?: OperationOptions | undefined
  /** Whose addresses for a client are believed. @default nobody's */
  readonly trustProxy?: TrustedProxies
  /** Other origins whose pages may use the service. @default none */
  readonly corsOrigins?: readonly string[]
  /** How many sessions a user may have: a login ends the oldest of more. @default 50 */
  readonly sessionsPerUser?: number
  /** For how long a session lives that nobody uses. @default 30 days */
  readonly sessionIdleMs?: number
  /** How many requests are let through. @default all of them */
  readonly rateLimits?: RateLimits | undefined
  /** When requests are sent away because the process cannot keep up. @default never */
  readonly pressure?: PressureLimits | undefined
  /** What is counted, and who may read it. @default nothing is, and there is no such path */
  readonly metrics?: AppMetrics | undefined
  /** @default nothing is traced */
  readonly tracer?: Tracer | null
  /** For how long a request may take to arrive; a third of it for its headers. @default 30 seconds */
  readonly requestTimeoutMs?: number
  /** @default no log */
  readonly log?: LogTarget
  /** @default the machine's clock */
  readonly clock?: Clock
  /** @default random UUIDs */
  readonly newId?: () => string
}

/** The HTTP application, not listening yet. It closes none of what it was given. */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const {
    auth,
    database,
    changes,
    readiness,
    passwords,
    registration,
    corsOrigins = [],
    clock = systemClock,
    newId = randomUUID,
  } = options
  const { metrics, tracer = null } = options
  const counts = metrics === undefined ? null : createRequestMetrics(metrics.metrics.registry)
  const app = createServer(options, newId, counts)
  if (tracer !== null) traceRequests(app, tracer)
  if (counts !== null) onRequestEnd(app, counts.ended)
  logSecurityEvents(app)
  await app.register(helmet, helmetOptions(options.issuer))
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-request-id': request.id })
  })
  await allowOrigins(app, corsOrigins)
  if (options.pressure !== undefined) await refuseUnderPressure(app, options.pressure)
  app.addHook('onRequest', async (request) => {
    // Here rather than in a handler: a path that does not exist must not first complain about its body.
    if (request.is404) throw new RescindError('not_found', 'There is nothing at this path.')
  })
  app.addHook('onRequest', checkOrigin({ issuer: options.issuer, corsOrigins }))
  app.setNotFoundHandler(async () => {
    throw new RescindError('not_found', 'There is nothing at this path.')
  })
  app.setErrorHandler(answerProblem)
  acceptOnlyJson(app)
  closeConnectionsAtEnd(app)
  app.decorateRequest('auth', null)

  const { mail } = options
  const people = createAccountServices({
    database,
    changes,
    passwords,
    registration,
    mail,
    log: app.log,
    clock,
    newId,
  })
  app.addHook('onClose', () => people.close())
  const { accounts } = people

  const { sessionsPerUser = 50, sessionIdleMs = 30 * 86_400_000 } = options
  const uses = createSessionUses({ records: database.sessionUses, clock, idleMs: sessionIdleMs })
  app.addHook('onClose', () => uses.close())
  app.addHook('preHandler', (request, _reply, done) => {
    if (request.auth?.sid !== undefined) uses.note(request.auth.sid)
    done()
  })
  const logins = createLogins(auth, createSessionCap(auth, sessionsPerUser))

  const { rateLimits } = options
  const { suspiciousLogin: onSuspiciousLogin } = people.loginNotices
  const credentialVersionOf = async (emailKey: string) =>
    (await database.users.byEmailKey(emailKey))?.credentialVersion ?? 0
  const limiting = { credentialVersionOf, onSuspiciousLogin }
  const limits = rateLimits === undefined ? noRouteLimits : limitRoutes(app, { ...rateLimits, ...limiting })
  const methods = refuseOtherMethods(app)
  accountRoutes(app, { auth, accounts, registration: people.registration, logins, limits })
  mailedLinkRoutes(app, { auth, passwordReset: people.passwordReset, ownership: people.ownership, limits })
  sessionRoutes(app, { auth, accounts, uses })
  ownSessionRoutes(app, { auth, uses })
  forwardAuthRoutes(app, auth)
  discoveryRoutes(app, { auth, issuer: options.issuer })
  healthRoutes(app, readiness)
  const clients = createClients({ records: database.clients, clock })
  if (metrics !== undefined) exposeMetrics(app, { ...metrics, auth, clients })
  await oauthRoutes(app, { auth, clients, users: database.users, signing: options.signing, clock })
  if (options.revocationFeed !== undefined) revocationRoutes(app, { ...options.revocationFeed, clients, clock })
  if (options.operation !== undefined) {
    const { administration } = people
    const parts = { ...options.operation, auth, database, administration, passwords, clock, newId }
    adminRoutes(app, { auth, users: database.users, clients, operators: createOperators(parts), uses })
  }
  documentationRoutes(app, { isLimited: rateLimits === undefined ? () => false : isLimited })
  methods.complete()
  tellOfPlainCookies(app, options.issuer)
  await app.ready()
  return app
}

function createServer(options: AppOptions, newId: () => string, counts: RequestMetrics | null): FastifyInstance {
  const { log, issuer, trustProxy = false, requestTimeoutMs = REQUEST_TIMEOUT_MS } = options
  const unrouted = unroutedAnswers(rawSecurityHeaders(issuer), (status) => counts?.unrouted(status))
  return fastify({
    logger: log === undefined ? false : loggerOptions(log),
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: requestTimeoutMs,
    http: {
      headersTimeout: requestTimeoutMs / 3,
      // Node looks only so often for connections whose time is over.
      connectionsCheckingInterval: Math.min(TIMEOUT_CHECK_MS, requestTimeoutMs / 6),
    },
    // An id chosen by the client would be written into the log.
    requestIdHeader: false,
    genReqId: newId,
    frameworkErrors: unrouted.unroutable,
    clientErrorHandler: unrouted.brokenRequest,
    trustProxy: trustOf(trustProxy),
    // What arrives on an open connection while the service drains is still answered.
    return503OnClosing: false,
  })
}
