import { RescindError } from '../base/errors.ts'
import type { Replica } from '../revocation/replica.ts'
import { RESERVED_CLAIMS } from '../tokens/claims.ts'
import { peekJws } from '../tokens/jws.ts'
import type { Settings } from './options.ts'
import type { Principal } from './principal.ts'
import { retentionSlackMs } from './revocation-orders.ts'
import { recording } from './revoke.ts'
import type { RotateClaim } from './sessions.ts'
import type { StoreWriter } from './store-writer.ts'
import type { Tenants } from './tenants.ts'
import { type MintOrder, refreshHash, successorJti, type TokenFactory, type TokenPair } from './tokens.ts'

/**
 * Exchanges a refresh token, already checked, for a new pair. Of any number of uses at once exactly one rotates the
 * session; the others within the grace window get the same successor; any other second use ends the session
 * (RFC 9700 §4.14.2).
 */
export type Refresh = (presented: Principal<unknown, object>) => Promise<TokenPair>

/** Composes writer, replica and minting into {@link Refresh}. */
export function createRefresh<User, Claims extends object, Identity>(
  settings: Settings<User, Claims, Identity>,
  parts: { writer: StoreWriter; replica: Replica; tenants: Tenants; tokens: TokenFactory<Identity> },
): Refresh {
  const { clock } = settings
  const { writer, replica, tenants, tokens } = parts
  /** Refuses a token of one tenant that names a session or a user of another. */
  const checkTenant = async (presented: Principal<unknown, object>, sid: string): Promise<void> => {
    const nowMs = clock.now()
    const session = await recording(() => settings.store.sessions.get(sid, nowMs))
    if (session !== null && session.sub !== presented.sub) {
      throw new RescindError('token_invalid', "The session is another user's.")
    }
    const dates = { jti: tokens.newId(nowMs), issuedAtMs: nowMs, expiresAtMs: nowMs + settings.accessTtlMs }
    const { token } = await tokens.mint(inheritance(presented), { ...dates, type: 'access', fresh: false })
    await tenants.checkSuccessor(presented.token, token)
  }

  return async (presented) => {
    const { sub, sid, jti, token, issuedAtMs } = presented
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
        expiresAt: nowMs + settings.maxTokenTtlMs + retentionSlackMs(settings),
        reason: 'refresh token reused',
      },
    }
    // Before anything is written: what follows may end the session that the token names.
    if (tenants.areMany) await checkTenant(presented, sid)
    const result = await recording(() => writer.rotate(claim))
    switch (result.outcome) {
      case 'rotated':
      case 'replayed': {
        const { session, issuedAtMs: nowMs } = result
        if (session.sub !== sub) throw new RescindError('token_invalid', "The session is another user's.")
        return tokens.pair({
          ...inheritance(presented),
          sid,
          fresh: false,
          // A replay's tokens are dated as the winner's, so that a cut-off that saw the rotation reaches them too.
          nowMs,
          endsAtMs: session.endsAtMs,
          refresh: { jti: successorJti(jti, nowMs), expiresAtMs: session.expiresAtMs },
          csrfSeed: token,
        })
      }
      case 'reused':
        replica.apply([claim.onReuse])
        throw new RescindError('refresh_token_reused', 'The refresh token was used before: the session has been ended.')
      case 'overtaken':
        throw new RescindError(
          'token_revoked',
          'Others exchanged this token, and its successor, while this request waited.',
        )
      case 'ended':
        throw new RescindError('token_revoked', 'The session has ended.')
      case 'unknown':
        throw new RescindError('token_invalid', 'The refresh token belongs to no known session.')
    }
  }
}

/**
 * What a token that follows another takes over from it. The claims of the `claims` hook are not among it: a role that was
 * taken away would come back with every token.
 */
export function inheritance({ sub, sid, token, authenticatedAtMs }: Principal<unknown, object>): MintOrder<never> {
  const { payload } = peekJws(token)
  const { derived } = payload
  const isOwn = (name: string) => !RESERVED_CLAIMS.has(name) && !(Array.isArray(derived) && derived.includes(name))
  return {
    sub,
    sid,
    identity: undefined,
    authTimeMs: authenticatedAtMs ?? undefined,
    claims: Object.fromEntries(Object.entries(payload).filter(([name]) => isOwn(name))),
    headers: undefined,
  }
}
