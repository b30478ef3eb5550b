import type { Principal, SessionRecord, TokenPair } from 'rescind'
import type { Session, StatusResponse, TokenResponse, User } from 'rescind/wire'
import type { UserRecord } from './repositories/users.ts'

/** An account as its owner sees it. */
function userResource(user: UserRecord): User {
  return {
    id: user.id,
    email: user.email,
    email_verified: user.emailVerified,
    admin: user.admin,
    registered_at: timestamp(user.registeredAtMs),
  }
}

/** New tokens, with the account they speak for. */
export function tokenResponse(pair: TokenPair, user: UserRecord): TokenResponse {
  return {
    access_token: pair.accessToken,
    refresh_token: pair.refreshToken,
    token_type: 'Bearer',
    expires_in: pair.expiresInSeconds,
    refresh_expires_in: pair.refreshExpiresInSeconds,
    session_id: pair.sid,
    user: userResource(user),
  }
}

/** What a token says and belongs to. */
export function statusResponse(principal: Principal, user: UserRecord, session: SessionRecord | null): StatusResponse {
  return {
    user: userResource(user),
    session: session === null ? null : sessionResource(session, principal.sid),
    token: {
      id: principal.jti,
      type: 'access',
      fresh: principal.fresh,
      issued_at: timestamp(principal.issuedAtMs),
      expires_at: timestamp(principal.expiresAtMs),
    },
  }
}

function sessionResource(session: SessionRecord, currentSid: string | undefined): Session {
  return {
    id: session.sid,
    created_at: timestamp(session.createdAtMs),
    last_used_at: timestamp(session.lastUsedAtMs),
    expires_at: timestamp(session.expiresAtMs),
    ip: session.ip,
    user_agent: session.userAgent,
    current: session.sid === currentSid,
  }
}

function timestamp(ms: number): string {
  return new Date(ms).toISOString()
}
