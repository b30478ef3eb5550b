import { boundedNumber } from '../base/config.ts'
import { configError, RescindError } from '../base/errors.ts'
import type { Awaitable, TokenType } from '../base/types.ts'
import { checkedChoice } from '../web/settings.ts'
import { callHook } from './hooks.ts'
import type { Login, SingleToken, Subject } from './login.ts'
import type { Settings } from './options.ts'
import type { Principal } from './principal.ts'
import { inheritance } from './refresh.ts'
import { checkedId } from './revocation-orders.ts'
import { recording } from './revoke.ts'
import type { NewSession } from './sessions.ts'
import type { Tenants } from './tenants.ts'
import { refreshHash, type TokenFactory, type TokenPair } from './tokens.ts'

/** What can be minted at somebody's wish; refreshes and renewals are elsewhere. */
export interface Mints<Identity> {
  /** The pair of a login, and the session to be recorded before anybody gets it. */
  login(login: Login<Identity>): Promise<{ readonly session: NewSession; readonly pair: TokenPair }>
  single(token: SingleToken<Identity>): Promise<string>
  stepUp(principal: Principal<unknown, object>, freshSeconds?: number): Promise<string>
}

/**
 * Composes {@link Mints}. `afterCutoffs` answers when a user's token has to be dated, for no cut-off that was recorded
 * before to kill it.
 */
export function createMints<User, Claims extends object, Identity>(
  settings: Settings<User, Claims, Identity>,
  parts: { tokens: TokenFactory<Identity>; tenants: Tenants; afterCutoffs: (sub: string, nowMs: number) => number },
): Mints<Identity> {
  const { clock, hooks, store } = settings
  const { tokens, tenants, afterCutoffs } = parts

  const subject = ({ sub, identity }: Subject<Identity>): Awaitable<string> =>
    identity === undefined ? checkedId('sub', sub ?? '') : named(identity)

  const named = async (identity: Identity): Promise<string> => {
    const { identity: hook } = hooks
    const name: unknown = hook === undefined ? identity : await callHook('identity', () => hook(identity))
    if (typeof name !== 'string') throw configError('an identity that is no string needs the identity hook')
    return checkedId('sub', name)
  }

  const lifeMs = (type: TokenType, ttlSeconds: number | undefined): number => {
    if (ttlSeconds === undefined) return type === 'access' ? settings.accessTtlMs : settings.refreshTtlMs
    const life = { min: 1, max: settings.maxTokenTtlMs / 1000, unit: 'seconds, no more than maxTokenTtlSeconds,' }
    return boundedNumber('ttlSeconds', ttlSeconds, life) * 1000
  }

  return {
    // Minted first, so that claims that cannot be signed leave no session behind.
    async login({ fresh = true, claims, headers, ip = null, userAgent = null, ...login }) {
      const sub = await subject(login as Subject<Identity>)
      const nowMs = afterCutoffs(sub, clock.now())
      const sid = tokens.newId(nowMs)
      const jti = tokens.newId(nowMs)
      const endsAtMs = nowMs + settings.sessionTtlMs
      const expiresAtMs = Math.min(nowMs + settings.refreshTtlMs, endsAtMs)
      const pair = await tokens.pair({
        sub,
        sid,
        identity: login.identity,
        fresh: freshUntil(fresh, nowMs),
        authTimeMs: nowMs,
        claims,
        headers,
        nowMs,
        endsAtMs,
        refresh: { jti, expiresAtMs },
      })
      const times = { createdAtMs: nowMs, lastUsedAtMs: nowMs, expiresAtMs, endsAtMs }
      return { pair, session: { sid, sub, refreshHash: refreshHash(jti), ...times, ip, userAgent } }
    },
    async single(wanted) {
      const { type = 'access', fresh = false, claims, headers, identity } = wanted
      const subjectOf = subject(wanted)
      const sub = typeof subjectOf === 'string' ? subjectOf : await subjectOf
      checkedChoice('type', type, ['access', 'refresh'])
      const nowMs = afterCutoffs(sub, clock.now())
      const minted = tokens.mint(
        {
          sub,
          sid: undefined,
          identity,
          authTimeMs: undefined,
          claims: claims ?? undefined,
          headers: headers ?? undefined,
        },
        {
          type,
          fresh: freshUntil(fresh, nowMs),
          jti: tokens.newId(nowMs),
          issuedAtMs: nowMs,
          expiresAtMs: nowMs + lifeMs(type, wanted.ttlSeconds),
        },
      )
      return minted instanceof Promise ? (await minted).token : minted.token
    },
    async stepUp(principal, freshSeconds) {
      const { sub, sid, token } = principal
      if (sid === undefined) throw new RescindError('token_invalid', 'The token belongs to no session.')
      const nowMs = afterCutoffs(sub, clock.now())
      const session = await recording(() => store.sessions.get(sid, nowMs))
      if (session === null) throw new RescindError('token_revoked', 'The session has ended.')
      if (session.sub !== sub) throw new RescindError('token_invalid', "The session is another user's.")
      const order = { ...inheritance(principal), authTimeMs: nowMs }
      const { token: successor } = await tokens.mint(order, {
        type: 'access',
        fresh: freshUntil(freshSeconds ?? true, nowMs),
        jti: tokens.newId(nowMs),
        issuedAtMs: nowMs,
        expiresAtMs: Math.min(nowMs + settings.accessTtlMs, session.endsAtMs),
      })
      await tenants.checkSuccessor(token, successor)
      return successor
    },
  }
}

function freshUntil(fresh: boolean | number, nowMs: number): boolean | number {
  if (typeof fresh === 'boolean') return fresh
  return nowMs + boundedNumber('fresh', fresh, { min: 1, max: 315_360_000, unit: 'seconds' }) * 1000
}
