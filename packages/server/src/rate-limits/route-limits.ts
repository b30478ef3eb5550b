import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { RescindError } from 'rescind'
import { requestErrors } from 'rescind/wire'
import { notedUser } from '../noted-refusals.ts'
import { OAuthError } from '../routes/oauth-errors.ts'
import { parseEmailAddress } from '../services/email-address.ts'
import { describeFailure } from '../storage-failure.ts'
import { type Counters, counterKey } from './counters.ts'
import { networkOf } from './network.ts'
import type { RateLimits } from './open-rate-limits.ts'
import { type Attempt, createPasswordGuesses, type GuessedAccount, type PasswordGuesses } from './password-guesses.ts'
import { RateLimitedError } from './rate-limited-error.ts'
import type { Allowance } from './settings.ts'

/** What is counted of one route. */
interface RouteLimit {
  /**
   * Whose allowance a network uses up: with every request, before it is worked on; or only with one whose credentials
   * are wrong, so that those who have good ones and share the network go on.
   */
  readonly network: 'login' | 'register' | 'mail' | 'code' | 'refresh' | 'client'
  readonly counts: 'requests' | 'refusals'
  /** That it holds a password: of the account with the address in the body, or of the session that asks. */
  readonly guesses?: 'email' | 'session'
  /** That it begins a session of the account with the address in the body: whoever is there is known from now on. */
  readonly enters?: true
}

/** What the limits are made of, besides the settings. */
export interface RouteLimitsOptions extends RateLimits {
  /** The credential version of the account with this key; the same number for every key that has none. */
  readonly credentialVersionOf: (emailKey: string) => Promise<number>
  /** Hears of a login that its owner should be told of: by the key of the address. Must not throw. */
  readonly onSuspiciousLogin: (emailKey: string) => void
}

/** What others may tell the limits. */
export interface RouteLimits {
  /**
   * Whoever sent the request owns the account as it is now: that network's passwords for it need not wait. Never fails:
   * where the account cannot be read, the log tells so.
   */
  trust(emailKey: string, request: FastifyRequest): Promise<void>
}

/** Where nothing is counted. */
export const noRouteLimits: RouteLimits = { trust: async () => {} }

const routeLimits: Readonly<Record<string, RouteLimit>> = {
  'POST /auth/login': { network: 'login', counts: 'requests', guesses: 'email' },
  'POST /auth/reauthenticate': { network: 'login', counts: 'requests', guesses: 'session' },
  'POST /auth/password/change': { network: 'login', counts: 'requests', guesses: 'session' },
  'POST /auth/register': { network: 'register', counts: 'requests', enters: true },
  'POST /auth/password/forgot': { network: 'mail', counts: 'requests' },
  'POST /auth/password/reset': { network: 'code', counts: 'requests' },
  'POST /auth/email/change': { network: 'mail', counts: 'requests', guesses: 'session' },
  'POST /auth/email/verify': { network: 'code', counts: 'requests' },
  'POST /auth/refresh': { network: 'refresh', counts: 'requests' },
  'POST /oauth/introspect': { network: 'client', counts: 'refusals' },
  'POST /oauth/revoke': { network: 'client', counts: 'refusals' },
  'POST /revocations/find': { network: 'client', counts: 'refusals' },
  'GET /revocations': { network: 'client', counts: 'refusals' },
  'GET /metrics': { network: 'client', counts: 'refusals' },
}

/** True for what is counted, and so may be answered with 429. */
export function isLimited(method: string, path: string): boolean {
  return limitFor(method.toUpperCase(), path) !== undefined
}

const operatorsLimit: RouteLimit = { network: 'client', counts: 'refusals' }

function limitFor(method: string, path: string): RouteLimit | undefined {
  // The router answers HEAD wherever there is a GET, with the same hooks.
  const name = `${method === 'HEAD' ? 'GET' : method} ${path}`
  if (Object.hasOwn(routeLimits, name)) return routeLimits[name]
  return path.startsWith('/admin/') ? operatorsLimit : undefined
}

/**
 * Counts requests, and refuses those over the limit. To be called before the routes are registered. A route is known by
 * what the router matched, never by the text of the URL, so that no other spelling of a path goes uncounted.
 */
export function limitRoutes(app: FastifyInstance, options: RouteLimitsOptions): RouteLimits {
  const { counters, guessCounters = counters, settings, credentialVersionOf, onSuspiciousLogin } = options
  const guesses = createPasswordGuesses({
    counters: guessCounters,
    freeGuesses: settings.freeGuesses,
    maxDelayMs: settings.maxGuessDelayMs,
  })
  const accountOf = async (emailKey: string) => ({ key: emailKey, generation: await credentialVersionOf(emailKey) })
  const trust = async (emailKey: string, request: FastifyRequest) => {
    try {
      await guesses.trust(await accountOf(emailKey), networkOf(request.ip))
    } catch (error) {
      // What the owner did is done, and must not be answered as if it were not.
      const cause = error instanceof RescindError && error.cause !== undefined ? error.cause : error
      request.log.warn(
        { userId: notedUser(request), cause: describeFailure(cause) },
        'the network of an owner could not be noted: the next login from there may have to wait',
      )
    }
  }
  app.addHook('onRoute', (route) => {
    const limit = limitOf(route)
    if (limit === undefined) return
    const allowance = settings[limit.network]
    const count = (request: FastifyRequest) =>
      spend(counters, counterKey('network', limit.network, networkOf(request.ip)), allowance)
    if (limit.counts === 'requests') prepend(route, 'onRequest', count)
    else countRefusals(route, count)
    if (limit.guesses !== undefined) guardGuesses(route, { guesses, of: limit.guesses, accountOf, onSuspiciousLogin })
    if (limit.enters === true) {
      append(route, async (request, reply) => {
        const emailKey = addressIn(request.body)
        if (reply.statusCode === 201 && emailKey !== null) await trust(emailKey, request)
      })
    }
  })
  return { trust }
}

function limitOf(route: RouteOptions): RouteLimit | undefined {
  const [method, ...others] = [route.method].flat()
  return others.length > 0 || method === undefined ? undefined : limitFor(method, route.url)
}

async function spend(counters: Counters, key: string, { count, windowMs }: Allowance): Promise<void> {
  const counted = await counters.add(key, 1, windowMs)
  if (counted.count > count) throw new RateLimitedError(counted.msLeft)
}

/**
 * Counts wrong credentials once they are found to be wrong, and answers those over the limit with 429. To look at them
 * costs one SHA-256 and a row, and they are too long to be guessed: what is limited is the noise.
 */
function countRefusals(route: RouteOptions, count: (request: FastifyRequest) => Promise<void>): void {
  // What it throws is answered as all errors of the route are.
  route.errorHandler = async (error, request) => {
    if (statusOf(error) === 401) await count(request)
    throw error
  }
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof OAuthError) return error.status
  if (!(error instanceof RescindError)) return undefined
  return Object.entries(requestErrors).find(([code]) => code === error.code)?.[1].status
}

/** How passwords are waited for, and who hears of what. */
interface GuessGuard {
  readonly guesses: PasswordGuesses
  readonly of: 'email' | 'session'
  readonly accountOf: (emailKey: string) => Promise<GuessedAccount>
  readonly onSuspiciousLogin: (emailKey: string) => void
}

/** Lets a password through at its time, and tells by the answer what became of it. */
function guardGuesses(route: RouteOptions, { guesses, of, accountOf, onSuspiciousLogin }: GuessGuard): void {
  const attempts = new WeakMap<FastifyRequest, { account: GuessedAccount; attempt: Attempt }>()
  const guessed = async (request: FastifyRequest): Promise<GuessedAccount | null> => {
    if (of === 'session') return showsPassword(request.body) ? sessionOf(request) : null
    const emailKey = addressIn(request.body)
    return emailKey === null ? null : accountOf(emailKey)
  }
  prepend(route, 'preHandler', async (request) => {
    const account = await guessed(request)
    // A body without an address is refused without a look at any password, and one without a password guesses none.
    if (account === null) return
    attempts.set(request, { account, attempt: await guesses.attempt(account, networkOf(request.ip)) })
  })
  // Before the answer is sent, so that whoever has it is counted; and not where a client goes without one, since
  // what the password was is not known then.
  append(route, async (request, reply) => {
    const guess = attempts.get(request)
    if (guess === undefined) return
    const { account, attempt } = guess
    if (reply.statusCode < 300) {
      const tellsOwner = await attempt.succeeded()
      if (tellsOwner && of === 'email') onSuspiciousLogin(account.key)
    } else if (reply.statusCode !== 401) await attempt.withdrawn()
  })
}

function addressIn(body: unknown): string | null {
  const { email } = (body ?? {}) as { email?: unknown }
  return typeof email === 'string' ? (parseEmailAddress(email)?.key ?? null) : null
}

function showsPassword(body: unknown): boolean {
  const { password, current_password } = (body ?? {}) as { password?: unknown; current_password?: unknown }
  return typeof password === 'string' || typeof current_password === 'string'
}

function sessionOf({ auth }: FastifyRequest): GuessedAccount | null {
  // It ends with every change of the account.
  return auth === null ? null : { key: `session ${auth.sid ?? auth.sub}`, generation: 0 }
}

type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

function prepend(route: RouteOptions, name: 'onRequest' | 'preHandler', hook: Hook): void {
  route[name] = [hook, ...[route[name] ?? []].flat()] as NonNullable<RouteOptions[typeof name]>
}

function append(route: RouteOptions, hook: Hook): void {
  const onSend = async (request: FastifyRequest, reply: FastifyReply, payload: unknown) => {
    await hook(request, reply)
    return payload
  }
  route.onSend = [...[route.onSend ?? []].flat(), onSend] as NonNullable<RouteOptions['onSend']>
}
