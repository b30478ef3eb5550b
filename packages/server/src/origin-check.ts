import type { FastifyRequest } from 'fastify'
import { RescindError } from 'rescind'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A route that logs somebody in without a token: pages of other origins must not reach it. */
    readonly sameOrigin?: boolean
  }
}

/** Whose pages may send requests with cookies. */
export interface TrustedOrigins {
  /** Where the service itself is. */
  readonly issuer: string
  readonly corsOrigins: readonly string[]
}

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * A hook that refuses, with `csrf_failed`, what a page of a foreign origin made a browser send: a change that comes with
 * cookies or asks for them, and a login. Browsers say where a request comes from by `Origin` and `Sec-Fetch-Site`; all
 * that is said must be right. What says nothing is no browser of today, and has the CSRF token between it and a change.
 */
export function checkOrigin(trusted: TrustedOrigins): (request: FastifyRequest) => Promise<void> {
  const isTrusted = originTest(trusted)
  return async (request) => {
    if (!isProtected(request)) return
    const { origin, 'sec-fetch-site': site } = request.headers
    const trust = origin === undefined ? 'unknown' : isTrusted(origin, request.headers.host)
    if (trust === 'none') throw refusal()
    // A listed origin is another site's, or a neighbour's of this one: so much was meant by listing it.
    if (trust !== 'listed' && site !== undefined && site !== 'same-origin' && site !== 'none') throw refusal()
  }
}

function isProtected({ method, headers, routeOptions }: FastifyRequest): boolean {
  if (SAFE_METHODS.has(method)) return false
  return (
    routeOptions.config?.sameOrigin === true || headers.cookie !== undefined || headers['token-delivery'] === 'cookie'
  )
}

type Trust = 'listed' | 'own' | 'none'

function originTest({ issuer, corsOrigins }: TrustedOrigins): (origin: string, host: string | undefined) => Trust {
  const { origin: own, protocol } = new URL(issuer)
  const listed = new Set(corsOrigins)
  return (origin, host) => {
    if (listed.has(origin)) return 'listed'
    // The service may have more names than its issuer. No page can make a browser send another host's name, and cookies
    // of a name that was made to point here are not those of the real one.
    return origin === own || (host !== undefined && origin === `${protocol}//${host.toLowerCase()}`) ? 'own' : 'none'
  }
}

function refusal(): RescindError {
  return new RescindError('csrf_failed', 'Send this from a page of the service, or have its origin listed.')
}
