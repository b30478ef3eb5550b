import type { Principal, SessionRecord, TokenPair } from 'rescind'
import type {
  AccessTokenResponse,
  CookieTokenResponse,
  Session,
  StatusResponse,
  TokenResponse,
  User,
} from 'rescind/wire'
import type { UserRecord } from './repositories/users.ts'
import { deviceName } from './services/device-name.ts'

/** An account as its owner sees it. */
export function userResource(user: UserRecord): User {
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

/** A new access token of a session that keeps its refresh token, with the account it speaks for. */
export function accessTokenResponse(
  token: Pick<TokenPair, 'accessToken' | 'expiresInSeconds' | 'sid'>,
  user: UserRecord,
): AccessTokenResponse {
  return {
    access_token: token.accessToken,
    token_type: 'Bearer',
    expires_in: token.expiresInSeconds,
    session_id: token.sid,
    user: userResource(user),
  }
}

/** The same answer where the tokens are in cookies: all but the tokens. */
export function withoutTokens(answer: TokenResponse | AccessTokenResponse): CookieTokenResponse {
  const { expires_in, session_id, user } = answer
  const told = { expires_in, session_id, user }
  return 'refresh_expires_in' in answer ? { ...told, refresh_expires_in: answer.refresh_expires_in } : told
}

/** Times when sessions were last used, by their ids, where they are known. */
export type LastUses = ReadonlyMap<string, number>

/** What a token says and belongs to. */
export function statusResponse(
  principal: Principal,
  user: UserRecord,
  session: SessionRecord | null,
  lastUses: LastUses,
): StatusResponse {
  return {
    user: userResource(user),
    session: session === null ? null : sessionResource(session, lastUses, principal.sid),
    token: {
      id: principal.jti,
      type: 'access',
      fresh: principal.fresh,
      issued_at: timestamp(principal.issuedAtMs),
      expires_at: timestamp(principal.expiresAtMs),
    },
  }
}

/** A login as its owner sees it; `currentSid` names the one of the request. */
export function sessionResource(session: SessionRecord, lastUses: LastUses, currentSid: string | undefined): Session {
  const lastUsedAtMs = Math.max(session.lastUsedAtMs, lastUses.get(session.sid) ?? 0)
  return {
    id: session.sid,
    created_at: timestamp(session.createdAtMs),
    last_used_at: timestamp(lastUsedAtMs),
    expires_at: timestamp(session.expiresAtMs),
    ip: session.ip,
    user_agent: session.userAgent,
    device: deviceName(session.userAgent),
    current: session.sid === currentSid,
  }
}

/** A time as resources have it. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString()
}
