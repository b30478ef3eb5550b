import { RescindError } from '../../base/errors.ts'
import type { RequestGuard } from '../../session/request-guard.ts'
import type { FlaskPrincipal } from './principal.ts'

/** What the renewal of cookies is composed of. */
export interface RenewalParts<User> {
  /** A token with fewer seconds left is renewed; 0 for none. */
  readonly seconds: number
  readonly wallNow: () => number
  /** True where the route has set or cleared the cookie itself. */
  readonly touches: (setCookies: readonly string[]) => boolean
  /** Rejects for a token that was revoked while the request was under way. */
  readonly refuseRevoked: (principal: FlaskPrincipal<User>) => Promise<void>
  /** Creates the successor, and answers its `Set-Cookie` values. */
  readonly renewed: (principal: FlaskPrincipal<User>) => Promise<readonly string[]>
  readonly onWarning: (message: string) => void
}

/** Renews access tokens in cookies near their end. What it makes never rejects: the answer is worth more than a renewal. */
export function createRenewal<User>(
  parts: RenewalParts<User>,
): Pick<RequestGuard<FlaskPrincipal<User>>, 'renews' | 'renew'> {
  const renew = async (principal: FlaskPrincipal<User>): Promise<readonly string[]> => {
    try {
      await parts.refuseRevoked(principal)
      return await parts.renewed(principal)
    } catch (error) {
      const isRevoked = error instanceof RescindError && error.code === 'token_revoked'
      if (!isRevoked) parts.onWarning('a cookie near its end was not renewed: a loader, the key or the store failed')
      return []
    }
  }
  const renews = ({ location, claims, expiresAtMs }: FlaskPrincipal<User>): boolean =>
    location === 'cookies' &&
    claims.type === 'access' &&
    expiresAtMs !== undefined &&
    expiresAtMs - parts.wallNow() < parts.seconds * 1000
  return {
    renews,
    renew: (principal, { setCookies }) => (renews(principal) && !parts.touches(setCookies) ? renew(principal) : null),
  }
}
