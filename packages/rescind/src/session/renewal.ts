import { checkable, type RevocationCheck } from '../revocation/check.ts'
import type { Settings } from './options.ts'
import type { Principal } from './principal.ts'
import { additionalClaims } from './refresh.ts'
import type { RequestGuard } from './request-guard.ts'
import type { SessionCookies } from './session-cookies.ts'
import { successorJti, type TokenFactory } from './tokens.ts'

type AnyPrincipal = Principal<unknown, object>

/**
 * Renews a cookie access token near its end, with the answer to a request that it passed. All requests that carry the
 * token get the same successor: it is dated as the moment when the token came near its end, and its id is derived. It
 * dies with whatever kills the token's session or user, ends no later than the session, and is not fresh.
 */
export type Renewal = Pick<RequestGuard<AnyPrincipal>, 'renews' | 'renew'>

/** Composes {@link Renewal}. */
export function createRenewal<User, Claims extends object, Identity>(
  settings: Settings<User, Claims, Identity>,
  parts: { revoked: RevocationCheck; tokens: TokenFactory<Identity>; sessionCookies: SessionCookies },
): Renewal {
  const { clock, cookies, store, implicitRefreshMs, accessTtlMs, onWarning } = settings
  const { revoked, tokens, sessionCookies } = parts

  /** Until when the successor may live; `null` when there may be none. */
  const lifeEnd = async ({ jti, sid, sub, issuedAtMs }: AnyPrincipal, issuedAt: number): Promise<number | null> => {
    // The handler may have ended the session since the token was checked.
    if ((await revoked(checkable({ jti, sid, sub, iatMs: issuedAtMs }))) !== null) return null
    if (sid === undefined) return issuedAt + accessTtlMs
    const session = await store.sessions.get(sid, clock.now())
    return session === null ? null : Math.min(issuedAt + accessTtlMs, session.endsAtMs)
  }

  const renew = async (principal: AnyPrincipal): Promise<readonly string[]> => {
    const { sub, sid, jti, token, expiresAtMs, authenticatedAtMs } = principal
    const issuedAtMs = expiresAtMs - implicitRefreshMs
    const end = await lifeEnd(principal, issuedAtMs)
    if (end === null || end <= expiresAtMs) return []
    const order = {
      sub,
      sid,
      identity: undefined,
      authTimeMs: authenticatedAtMs ?? undefined,
      claims: additionalClaims(token),
      headers: undefined,
    }
    const successor = await tokens.mint(order, {
      type: 'access',
      fresh: false,
      jti: successorJti(jti, issuedAtMs, 'access'),
      issuedAtMs,
      expiresAtMs: end,
      csrfSeed: token,
    })
    return sessionCookies.setAccess(successor.token)
  }

  const renews = ({ location, type, expiresAtMs }: AnyPrincipal): boolean =>
    implicitRefreshMs > 0 &&
    location === 'cookie' &&
    type === 'access' &&
    clock.now() >= expiresAtMs - implicitRefreshMs

  return {
    renews,
    renew(principal, { setCookies }) {
      // What the route said of the cookie itself, a login or a logout, is the last word.
      if (!renews(principal) || cookies.touches('access', setCookies)) return null
      return renew(principal).catch(() => {
        onWarning('a cookie token near its end could not be renewed: the store or a hook failed')
        return []
      })
    },
  }
}
