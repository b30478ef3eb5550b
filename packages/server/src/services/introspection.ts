import { type Principal, type Rescind, RescindError } from 'rescind'
import type { Users } from '../repositories/users.ts'

/** What is answered of a token that is not good: nothing (RFC 7662 §2.2). */
const INACTIVE = { active: false } as const

/** What a token says, and that it is good (RFC 7662 §2.2). Times are in seconds. */
export interface ActiveToken {
  readonly active: true
  readonly token_type: 'Bearer' | 'refresh_token'
  readonly sub: string
  readonly username: string
  readonly sid?: string
  readonly jti: string
  readonly iat: number
  readonly nbf?: number
  readonly exp: number
  readonly iss?: string
  readonly aud?: string | readonly string[]
  readonly scope?: string
  readonly client_id?: string
  readonly auth_time?: number
}

/** The answer of an introspection. */
export type Introspection = ActiveToken | typeof INACTIVE

/**
 * Whether a token is good, checked as a request would be that carries it, and what it says.
 *
 * A refresh token is no key to any resource: a resource server that takes whatever is active must not take it for one. It
 * is told of only where the hint asks for refresh tokens.
 *
 * @returns rejects with `revocation_unavailable` or `overloaded` where nobody can say whether it is good
 */
export async function introspect(
  parts: { auth: Rescind; users: Users },
  { token, token_type_hint: hint }: { token: string; token_type_hint?: string | undefined },
): Promise<Introspection> {
  const { auth, users } = parts
  const principal = await verified(auth, token, hint === 'refresh_token' ? 'any' : 'access')
  if (principal === null || (principal.type === 'refresh' && (await isSpent(auth, principal)))) return INACTIVE
  const user = await users.byId(principal.sub)
  return user === null || user.disabledAtMs !== null ? INACTIVE : describe(principal, user.email)
}

async function verified(auth: Rescind, token: string, type: 'access' | 'any'): Promise<Principal | null> {
  try {
    return await auth.verify(token, { type })
  } catch (error) {
    if (error instanceof RescindError && (error.code.startsWith('token_') || error.code === 'wrong_token_type')) {
      return null
    }
    throw error
  }
}

/** A refresh token that was exchanged is not revoked: to present it again is what tells a theft. It is of no use either. */
async function isSpent(auth: Rescind, { sid, issuedAtMs }: Principal): Promise<boolean> {
  const session = sid === undefined ? null : await auth.sessions.get(sid)
  return session === null || issuedAtMs !== session.lastUsedAtMs
}

function describe(principal: Principal, username: string): ActiveToken {
  const { type, sub, sid, jti, claims, expiresAtMs, issuedAtMs } = principal
  const text = (name: string) => (typeof claims[name] === 'string' ? { [name]: claims[name] } : {})
  const seconds = (name: string) => (typeof claims[name] === 'number' ? { [name]: claims[name] } : {})
  return {
    active: true,
    token_type: type === 'access' ? 'Bearer' : 'refresh_token',
    sub,
    username,
    ...(sid === undefined ? {} : { sid }),
    jti,
    iat: Math.floor(issuedAtMs / 1000),
    exp: Math.floor(expiresAtMs / 1000),
    ...seconds('nbf'),
    ...seconds('auth_time'),
    ...text('iss'),
    ...text('scope'),
    ...text('client_id'),
    ...audience(claims.aud),
  }
}

function audience(aud: unknown): { aud?: string | string[] } {
  if (typeof aud === 'string') return { aud }
  return Array.isArray(aud) && aud.every((one) => typeof one === 'string') ? { aud } : {}
}
