import type { FastifyHelmetOptions } from '@fastify/helmet'

const HSTS_SECONDS = 31_536_000

/** What browsers are told with every answer; {@link rawSecurityHeaders} is the same for answers without a route. */
export function helmetOptions(issuer: string): FastifyHelmetOptions {
  return {
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    // Over plain HTTP browsers ignore it, and behind a proxy that serves other sites by HTTP it would lock these out.
    strictTransportSecurity: isHttps(issuer) ? { maxAge: HSTS_SECONDS, includeSubDomains: true } : false,
  }
}

/** The headers of answers that no hook sees: to requests that were never routed. */
export function rawSecurityHeaders(issuer: string): Readonly<Record<string, string>> {
  return {
    'content-security-policy': "default-src 'none';frame-ancestors 'none'",
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    ...(isHttps(issuer) ? { 'strict-transport-security': `max-age=${HSTS_SECONDS}; includeSubDomains` } : {}),
  }
}

function isHttps(issuer: string): boolean {
  return new URL(issuer).protocol === 'https:'
}
