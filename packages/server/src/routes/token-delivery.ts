import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Rescind, RescindError, type TokenPair } from 'rescind'
import type { AccessTokenResponse, CookieTokenResponse, TokenResponse } from 'rescind/wire'
import type { UserRecord } from '../repositories/users.ts'
import { accessTokenResponse, tokenResponse, withoutTokens } from '../resources.ts'

/** Where an answer puts tokens. */
export type Delivery = 'body' | 'cookie'

/** An answer under way, and whose tokens it holds. */
export interface Answering {
  readonly auth: Rescind
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

const CHOICES: readonly unknown[] = [undefined, 'body', 'cookie']

/**
 * A hook for every route that mints, behind its guard: refuses a `Token-Delivery` that cannot be obeyed before anything
 * is done.
 */
export async function checkTokenDelivery(request: FastifyRequest): Promise<void> {
  deliveryOf(request)
}

/**
 * Where the tokens of this answer go: where the request asks, or else where its own token was.
 *
 * @throws RescindError `invalid_request` for an unknown place, and for a wish to have in the body what a cookie keeps
 * from scripts
 */
export function deliveryOf(request: FastifyRequest): Delivery {
  const wanted = request.headers['token-delivery']
  if (!CHOICES.includes(wanted)) {
    throw new RescindError('invalid_request', 'Token-Delivery may be "body" or "cookie".')
  }
  const cameByCookie = request.auth?.location === 'cookie'
  if (cameByCookie && wanted === 'body') {
    throw new RescindError('invalid_request', 'Tokens that came in cookies are not given to scripts: log in anew.')
  }
  return cameByCookie || wanted === 'cookie' ? 'cookie' : 'body'
}

/**
 * Answers a new pair. Sets the cookies where that is wished for, and returns the body to send.
 *
 * @example
 * ```ts
 * return reply.code(201).send(deliverTokens({ auth, request, reply }, pair, user))
 * ```
 */
export function deliverTokens(
  { auth, request, reply }: Answering,
  pair: TokenPair,
  user: UserRecord,
): TokenResponse | CookieTokenResponse {
  const body = tokenResponse(pair, user)
  if (deliveryOf(request) === 'body') return body
  addCookies(reply, auth.cookies.set(pair))
  return withoutTokens(body)
}

/** The same for an access token that takes the place of the session's last one. */
export async function deliverAccessToken(
  { auth, request, reply }: Answering,
  accessToken: string,
  user: UserRecord,
): Promise<AccessTokenResponse | CookieTokenResponse> {
  const { expiresAtMs, issuedAtMs, sid = '' } = await auth.verify(accessToken)
  const expiresInSeconds = Math.floor((expiresAtMs - issuedAtMs) / 1000)
  const body = accessTokenResponse({ accessToken, expiresInSeconds, sid }, user)
  if (deliveryOf(request) === 'body') return body
  addCookies(reply, auth.cookies.setAccess(accessToken))
  return withoutTokens(body)
}

/**
 * For the answer that ends the session of a request: makes the browser forget the tokens, and with them all that the
 * site kept there, if they are in cookies.
 */
export function forgetTokens({ auth, request, reply }: Answering): void {
  if (request.auth?.location !== 'cookie') return
  addCookies(reply, auth.cookies.unset())
  reply.header('clear-site-data', '"cookies", "storage"')
}

function addCookies(reply: FastifyReply, cookies: readonly string[]): void {
  for (const cookie of cookies) reply.header('set-cookie', cookie)
}
