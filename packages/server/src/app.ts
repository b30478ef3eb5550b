import { randomUUID } from 'node:crypto'
import helmet from '@fastify/helmet'
import { type FastifyInstance, fastify } from 'fastify'
import { type Clock, type Rescind, RescindError, systemClock } from 'rescind'
import { refuseOtherMethods } from './allowed-methods.ts'
import { answerBrokenRequest, answerUnroutable } from './connection-errors.ts'
import { acceptOnlyJson } from './json-parser.ts'
import { type LogTarget, loggerOptions } from './logging.ts'
import { answerProblem } from './problems.ts'
import type { Readiness } from './readiness.ts'
import type { Users } from './repositories/users.ts'
import { accountRoutes } from './routes/accounts.ts'
import { discoveryRoutes } from './routes/discovery.ts'
import { healthRoutes } from './routes/health.ts'
import { type RevocationFeedOptions, revocationRoutes } from './routes/revocations.ts'
import { sessionRoutes } from './routes/sessions.ts'
import type { AccountChanges } from './services/account-changes.ts'
import { createAccounts } from './services/accounts.ts'
import type { Passwords } from './services/passwords.ts'

const MAX_BODY_BYTES = 65_536
// A client that sends a request byte by byte holds a connection no longer than this.
const REQUEST_TIMEOUT_MS = 30_000

/** What the service is composed of. */
export interface AppOptions {
  readonly auth: Rescind
  readonly users: Users
  readonly changes: AccountChanges
  readonly readiness: Readiness
  readonly passwords: Passwords
  readonly registration: 'open' | 'closed'
  /** What resource servers may follow. @default nothing: the paths do not exist */
  readonly revocationFeed?: RevocationFeedOptions | undefined
  /** @default no log */
  readonly log?: LogTarget
  /** @default the machine's clock */
  readonly clock?: Clock
  /** @default random UUIDs */
  readonly newId?: () => string
}

/** The HTTP application, not listening yet. It closes none of what it was given. */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const { auth, users, changes, readiness, passwords, registration, clock = systemClock, newId = randomUUID } = options
  const accounts = createAccounts({ users, changes, passwords, registration, clock, newId })
  const app = createServer(options.log, newId)
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
  })
  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    // Here rather than in a handler: a path that does not exist must not first complain about its body.
    if (request.is404) throw new RescindError('not_found', 'There is nothing at this path.')
  })
  app.setNotFoundHandler(async () => undefined)
  app.setErrorHandler(answerProblem)
  acceptOnlyJson(app)
  app.decorateRequest('auth', null)

  const methods = refuseOtherMethods(app)
  accountRoutes(app, { auth, accounts })
  sessionRoutes(app, { auth, accounts })
  discoveryRoutes(app, auth)
  healthRoutes(app, readiness)
  if (options.revocationFeed !== undefined) revocationRoutes(app, { ...options.revocationFeed, clock })
  methods.complete()
  await app.ready()
  return app
}

function createServer(log: LogTarget | undefined, newId: () => string): FastifyInstance {
  return fastify({
    logger: log === undefined ? false : loggerOptions(log),
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // An id chosen by the client would be written into the log.
    requestIdHeader: false,
    genReqId: newId,
    frameworkErrors: answerUnroutable,
    clientErrorHandler: answerBrokenRequest,
    // What arrives on an open connection while the service drains is still answered.
    return503OnClosing: false,
  })
}
