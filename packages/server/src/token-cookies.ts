import type { FastifyInstance } from 'fastify'
import type { RescindOptions } from 'rescind'

/** Where the library looks for tokens, and the cookies it keeps them in. */
export type TokenPlaces = Pick<RescindOptions, 'locations' | 'cookies'>

const NAMES = { accessCsrfName: 'csrf_token', refreshCsrfName: 'csrf_refresh_token' } as const

/** By header or cookie. The cookies are `__Host-`, but for a service that developers reach by plain HTTP. */
export function tokenPlaces(issuer: string): TokenPlaces {
  const cookies = hasPlainCookies(issuer)
    ? ({ ...NAMES, secure: false, prefix: '', refreshPath: refreshPath(issuer) } as const)
    : NAMES
  return { locations: ['header', 'cookie'], cookies }
}

const PLAIN_COOKIES =
  'cookies go without Secure and without the prefix __Host-, since ISSUER is plain HTTP on this machine: not for production'

/** Has the service say at its start that its cookies are plain, where they are. */
export function tellOfPlainCookies(app: FastifyInstance, issuer: string): void {
  // Not before: a start that fails says why and nothing else.
  if (hasPlainCookies(issuer)) app.addHook('onListen', async () => app.log.warn(PLAIN_COOKIES))
}

// Only refreshes and logouts read it. Scripts have to read the CSRF cookie that goes with it, so that one stays at /.
function refreshPath(issuer: string): string {
  return `${new URL(issuer).pathname.replace(/\/+$/, '')}/auth`
}

/**
 * True where browsers would not send back a `Secure` cookie, and nobody is on the line to read another: plain HTTP on
 * this very machine. Over plain HTTP from elsewhere there are no cookies, rather than unsafe ones.
 */
function hasPlainCookies(issuer: string): boolean {
  const { protocol, hostname } = new URL(issuer)
  return protocol === 'http:' && /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
}
