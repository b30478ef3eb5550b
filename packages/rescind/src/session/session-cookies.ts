import { RescindError } from '../base/errors.ts'
import { peekJws } from '../tokens/jws.ts'
import type { TokenCookies } from '../web/cookies.ts'
import type { TokenSlot } from '../web/locations.ts'
import type { Settings } from './options.ts'
import type { TokenPair } from './tokens.ts'

/** `Set-Cookie` values, to be appended to an answer each by itself. */
export type SetCookies = readonly string[]

/**
 * The cookies of a login. All take or give up the CSRF cookies that go with the tokens.
 *
 * @example
 * ```ts
 * const pair = await auth.issue({ sub: user.id })
 * for (const cookie of auth.cookies.set(pair)) response.headers.append('set-cookie', cookie)
 * ```
 */
export interface SessionCookies {
  /** Gives the browser both tokens. Throws `invalid_config` for a token too long for a cookie. */
  set(pair: Pick<TokenPair, 'accessToken' | 'refreshToken'>): SetCookies
  /** Gives the browser an access token of ours. Throws as {@link SessionCookies.set}. */
  setAccess(token: string): SetCookies
  /** Gives the browser a refresh token of ours. Throws as {@link SessionCookies.set}. */
  setRefresh(token: string): SetCookies
  /** Makes the browser forget both tokens. */
  unset(): SetCookies
  unsetAccess(): SetCookies
  unsetRefresh(): SetCookies
}

/** Composes {@link SessionCookies}. */
export function createSessionCookies(cookies: TokenCookies, { clock }: Pick<Settings, 'clock'>): SessionCookies {
  const set = (slot: TokenSlot, token: string): SetCookies => {
    const { exp, csrf } = peekJws(token).payload
    if (typeof exp !== 'number') throw new RescindError('token_malformed', 'The token has no time of expiry.')
    const maxAgeSeconds = Math.max(0, Math.floor(exp - clock.now() / 1000))
    return cookies.set(slot, { token, csrf: typeof csrf === 'string' ? csrf : null, maxAgeSeconds })
  }
  return {
    set: ({ accessToken, refreshToken }) => [...set('access', accessToken), ...set('refresh', refreshToken)],
    setAccess: (token) => set('access', token),
    setRefresh: (token) => set('refresh', token),
    unset: () => [...cookies.unset('access'), ...cookies.unset('refresh')],
    unsetAccess: () => cookies.unset('access'),
    unsetRefresh: () => cookies.unset('refresh'),
  }
}
