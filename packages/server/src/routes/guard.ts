import type { FastifyRequest } from 'fastify'
import { type CheckOptions, type Rescind, RescindError } from 'rescind'
import { fastifyView } from 'rescind/fastify'

/**
 * A hook that lets a request pass only with a good token. Unlike the one of `rescind/fastify` it throws its refusal, so
 * that the service answers every error in one place, and logs there why the ledger did not answer.
 */
export function guard(auth: Rescind, options: CheckOptions = {}): (request: FastifyRequest) => Promise<void> {
  return async (request) => {
    const decision = await auth.check(fastifyView(request), options)
    if (!decision.ok) throw decision.error
    request.auth = decision.principal
  }
}

/**
 * The same for either of a session's two tokens. The cookie of an access token is gone once it expires: then the one of
 * the refresh token will do.
 */
export function guardAnyToken(auth: Rescind): (request: FastifyRequest) => Promise<void> {
  const byOneToken = guard(auth, { type: 'any' })
  const byRefreshCookie = guard(auth, { type: 'refresh', locations: ['cookie'] })
  return async (request) => {
    try {
      await byOneToken(request)
    } catch (error) {
      const isMissing = error instanceof RescindError && error.code === 'token_missing'
      if (!isMissing || request.headers.cookie === undefined) throw error
      await byRefreshCookie(request)
    }
  }
}
