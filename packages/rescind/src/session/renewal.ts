import { checkable, type RevocationCheck } from '../revocation/check.ts'
import { withDeadline } from '../revocation/deadline.ts'
import type { Settings } from './options.ts'
import type { Principal } from './principal.ts'
import { inheritance } from './refresh.ts'
import type { RequestGuard } from './request-guard.ts'
import type { SessionCookies } from './session-cookies.ts'
import type { Tenants } from './tenants.ts'
import { successorJti, type TokenFactory } from './tokens.ts'

type AnyPrincipal = Principal<unknown, object>

/**
 * Renews a cookie access token near its end, with the answer to a request that it passed. All requests that carry the
 * token get the same successor: it is dated as the moment when the token came near its end, and its id is derived. It
 * dies with whatever kills the token's session or user, ends no later than the session, and is not fresh.
 */
export type Renewal = Pick<RequestGuard<AnyPrincipal>, 'renews' | 'renew'>

// The answer is held back for so long at most: without a successor the client still has a good token.
const RENEWAL_DEADLINE_MS = 500

/** Composes {@link Renewal}. */
export function createRenewal<User, Claims extends object, Identity>(
  settings: Settings<User, Claims, Identity>,
  parts: {
    revoked: RevocationCheck
    tenants: Tenants
    tokens: TokenFactory<Identity>
    sessionCookies: SessionCookies
  },
): Renewal {
  const { clock, cookies, store, hooks, implicitRefreshMs, accessTtlMs, onWarning } = settings
  const { revoked, tenants, tokens, sessionCookies } = parts

  /** Whether the handler, or somebody else, has revoked the token since it was checked. */
  const wasRevoked = async ({ jti, sid, sub, issuedAtMs: iatMs, claims, header }: AnyPrincipal): Promise<boolean> => {
    if ((await revoked(checkable({ jti, sid, sub, iatMs }))) !== null) return true
    const { isRevoked } = hooks
    return isRevoked !== undefined && (await isRevoked(claims as Claims, header)) !== false
  }

  /** Until when the successor may live; `null` when there may be none. */
  const lifeEnd = async ({ sid, sub }: AnyPrincipal, issuedAtMs: number): Promise<number | null> => {
    if (sid === undefined) return issuedAtMs + accessTtlMs
    const session = await store.sessions.get(sid, clock.now())
    return session?.sub === sub ? Math.min(issuedAtMs + accessTtlMs, session.endsAtMs) : null
  }

  const renew = async (principal: AnyPrincipal): Promise<readonly string[]> => {
    const { jti, token, expiresAtMs } = principal
    if (await wasRevoked(principal)) return []
    const issuedAtMs = Math.max(principal.issuedAtMs, expiresAtMs - implicitRefreshMs)
    const end = await lifeEnd(principal, issuedAtMs)
    if (end === null || end <= expiresAtMs) return []
    const successor = await tokens.mint(inheritance(principal), {
      type: 'access',
      fresh: false,
      jti: successorJti(jti, issuedAtMs, 'access'),
      issuedAtMs,
      expiresAtMs: end,
      csrfSeed: token,
    })
    await tenants.checkSuccessor(token, successor.token)
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
      return withDeadline(renew(principal), RENEWAL_DEADLINE_MS).catch(() => {
        onWarning('a cookie token near its end could not be renewed: the store or a hook failed')
        return []
      })
    },
  }
}
