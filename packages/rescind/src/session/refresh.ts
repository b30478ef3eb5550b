import { RescindError } from '../base/errors.ts'
import type { JsonObject } from '../base/types.ts'
import type { Replica } from '../revocation/replica.ts'
import { RESERVED_CLAIMS } from '../tokens/claims.ts'
import { peekJws } from '../tokens/jws.ts'
import type { Settings } from './options.ts'
import type { Principal } from './principal.ts'
import { recording } from './revoke.ts'
import type { RotateClaim } from './sessions.ts'
import type { StoreWriter } from './store-writer.ts'
import { refreshHash, successorJti, type TokenFactory, type TokenPair } from './tokens.ts'

/**
 * Exchanges a refresh token, already checked, for a new pair. Of any number of uses at once exactly one rotates the
 * session; the others within the grace window get the same successor; any other second use ends the session
 * (RFC 9700 §4.14.2).
 */
export type Refresh = (presented: Principal<unknown, object>) => Promise<TokenPair>

/** Composes writer, replica and minting into {@link Refresh}. */
export function createRefresh<User, Claims extends object, Identity>(
  settings: Settings<User, Claims, Identity>,
  parts: { writer: StoreWriter; replica: Replica; tokens: TokenFactory<Identity> },
): Refresh {
  const { clock } = settings
  const { writer, replica, tokens } = parts
  return async ({ sub, sid, jti, token, issuedAtMs, authenticatedAtMs }) => {
    if (sid === undefined) throw new RescindError('token_invalid', 'The refresh token belongs to no session.')
    const nowMs = clock.now()
    const claim: RotateClaim = {
      sid,
      token: { jti, sid, sub, iatMs: issuedAtMs },
      presentedHash: refreshHash(jti),
      successorHash: refreshHash(successorJti(jti, nowMs)),
      nowMs,
      expiresAtMs: nowMs + settings.refreshTtlMs,
      graceMs: settings.refreshGraceMs,
      onReuse: {
        kind: 'session',
        id: sid,
        at: nowMs,
        expiresAt: nowMs + settings.maxTokenTtlMs + settings.leewayMs + settings.clockToleranceMs,
        reason: 'refresh token reused',
      },
    }
    const result = await recording(() => writer.rotate(claim))
    switch (result.outcome) {
      case 'rotated':
      case 'replayed':
        return tokens.pair({
          sub,
          sid,
          identity: undefined,
          fresh: false,
          authTimeMs: authenticatedAtMs ?? undefined,
          claims: additionalClaims(token),
          headers: undefined,
          // A replay's tokens are dated as the winner's, so that a cut-off that saw the rotation reaches them too.
          nowMs: result.issuedAtMs,
          refresh: {
            jti: successorJti(jti, result.issuedAtMs),
            issuedAtMs: result.issuedAtMs,
            expiresAtMs: result.session.expiresAtMs,
            csrfSeed: token,
          },
        })
      case 'reused':
        replica.apply([claim.onReuse])
        throw new RescindError('refresh_token_reused', 'The refresh token was used before: the session has been ended.')
      case 'ended':
        throw new RescindError('token_revoked', 'The session has ended.')
      case 'unknown':
        throw new RescindError('token_invalid', 'The refresh token belongs to no known session.')
    }
  }
}

/** The program's own claims in a token that has been verified, whatever type the program gives them. */
export function additionalClaims(token: string): JsonObject {
  return Object.fromEntries(Object.entries(peekJws(token).payload).filter(([name]) => !RESERVED_CLAIMS.has(name)))
}
