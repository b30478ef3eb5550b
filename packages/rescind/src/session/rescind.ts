import { createSteadyTime } from '../base/clock.ts'
import { RescindError } from '../base/errors.ts'
import type { JsonObject } from '../base/types.ts'
import { createRevocationCheck } from '../revocation/check.ts'
import { createReplica, type ReplicaState } from '../revocation/replica.ts'
import type { KeyRing } from '../tokens/key-ring.ts'
import { createTokenVerifier } from '../tokens/verify.ts'
import type { RequestView } from '../web/request.ts'
import { type CheckOptions, createGuard, type Decision } from './guard.ts'
import { type RescindOptions, readOptions } from './options.ts'
import type { Principal } from './principal.ts'
import { createRefresh } from './refresh.ts'
import { checkedId, createRevoke, type Revoke, recording } from './revoke.ts'
import type { PageRequest, SessionPage, SessionRecord } from './sessions.ts'
import { createTokenFactory, refreshHash, type TokenPair } from './tokens.ts'

/** A login to issue tokens for. */
export interface Login {
  readonly sub: string
  /** Minted from a password or a step-up. @default true */
  readonly fresh?: boolean
  /** Additional claims, carried by the access tokens of the whole session. */
  readonly claims?: JsonObject
  /** Shown in the list of sessions. */
  readonly ip?: string | null
  /** Shown in the list of sessions. */
  readonly userAgent?: string | null
}

/** How a process stands towards the ledger, for health checks and metrics. */
export interface RescindStatus {
  readonly state: ReplicaState
  /** Milliseconds since memory was last proved complete; `Infinity` before the first replay. */
  readonly lagMs: number
  readonly liveRecords: number
}

/** Issues, checks and revokes tokens. Made by {@link createRescind}. */
export interface Rescind {
  /**
   * Resolves once the live revocations have been replayed. Until then every guarded request is refused with
   * `revocation_unavailable`. Rejects with `revocation_unavailable` when the store does not answer; call it again then.
   */
  ready(): Promise<void>
  /** Starts a session and mints its first pair. Rejects with `revocation_unavailable` when the store fails. */
  issue(login: Login): Promise<TokenPair>
  /**
   * Exchanges a refresh token for a new pair; the old token is spent. Rejects with `token_malformed`, `token_invalid`,
   * `token_expired`, `token_revoked`, `wrong_token_type`, `refresh_token_reused` (the session is dead then) or
   * `revocation_unavailable`.
   */
  refresh(refreshToken: string): Promise<TokenPair>
  /** Says whether a request may pass. Synchronous while the replica is live: no I/O. Never throws for what a client sent. */
  check(request: RequestView, options?: CheckOptions): Decision | Promise<Decision>
  /** Checks a token that came some other way; rejects with the code that refuses it. */
  verify(token: string, options?: Pick<CheckOptions, 'type' | 'fresh'>): Promise<Principal>
  readonly revoke: Revoke
  readonly sessions: {
    /** A live session, or `null`. */
    get(sid: string): Promise<SessionRecord | null>
    /** A user's live sessions, newest first; `limit` defaults to 100. */
    list(sub: string, page?: Partial<PageRequest>): Promise<SessionPage>
  }
  /** The public keys, for others to verify our tokens with. */
  jwks(): ReturnType<KeyRing['jwks']>
  status(): RescindStatus
  /** Stops following the ledger. The store stays open: it is its maker's to close. */
  close(): Promise<void>
}

const REPLAY_DEADLINE_MS = 30_000
const SWEEP_INTERVAL_MS = 10_000
const SWEEP_LIMIT = 1_000

/**
 * Composes keys, a store and the settings into the whole library.
 *
 * @throws RescindError `invalid_config`, naming the option
 * @example
 * ```ts
 * const auth = createRescind({ store: memoryStore(), keys: createKeyRing({ active: generateKey('EdDSA') }) })
 * await auth.ready()
 * const { accessToken, sid } = await auth.issue({ sub: 'alice' })
 * await auth.revoke.session(sid)
 * ```
 */
export function createRescind(options: RescindOptions): Rescind {
  const settings = readOptions(options)
  const { store, keys, clock, onWarning } = settings
  for (const warning of keys.active.warnings) onWarning(warning)
  const wallNow = () => clock.now()
  const tokens = createTokenFactory(settings)
  const replica = createReplica({
    ledger: store.ledger,
    clock,
    maxStalenessMs: settings.maxStalenessMs,
    shared: store.guarantees.shared,
    onWarning,
  })
  const verifier = createTokenVerifier(keys, settings, settings.verifiedTokenCacheSize)
  const revoked = createRevocationCheck({ replica, ledger: store.ledger, wallNow, onWarning }, settings)
  const guard = createGuard(verifier, revoked, wallNow)
  const refresh = createRefresh(settings, replica, tokens)

  const steadyTime = createSteadyTime(clock)
  const sweep = async () => {
    const nowMs = steadyTime()
    await inBatches(async () => replica.forget(nowMs, SWEEP_LIMIT))
    await inBatches(() => store.ledger.prune(nowMs, SWEEP_LIMIT))
    await inBatches(() => store.sessions.sweep(nowMs, SWEEP_LIMIT))
  }
  let sweeping: Promise<void> = Promise.resolve()
  const sweepTimer = setInterval(() => {
    sweeping = sweep().catch(() => onWarning('expired records could not be cleared away: the store did not answer'))
  }, SWEEP_INTERVAL_MS)
  sweepTimer.unref()

  // A login in the very millisecond of a log-out-everywhere, or on a machine whose clock runs a little behind the one
  // that recorded it, comes after it all the same: its tokens are dated past the cut-off.
  const afterCutoffs = (sub: string, nowMs: number): number => {
    const cutoff = replica.find({ jti: undefined, sid: undefined, sub, iatMs: nowMs })
    if (cutoff === null || !('before' in cutoff)) return nowMs
    const after = cutoff.before + 1
    return after - nowMs <= settings.clockToleranceMs ? afterCutoffs(sub, after) : nowMs
  }

  let starting: Promise<void> | undefined
  const verify: Rescind['verify'] = async (token, checkOptions) => {
    const decision = await guard.checkToken(token, checkOptions)
    if (!decision.ok) throw decision.error
    if (decision.principal === null) throw new RescindError('token_missing', 'A token is required.')
    return decision.principal
  }

  return {
    ready() {
      starting ??= replica.start(REPLAY_DEADLINE_MS).catch((error: unknown) => {
        starting = undefined
        throw error
      })
      return starting
    },
    async issue({ sub, fresh = true, claims, ip = null, userAgent = null }) {
      checkedId('sub', sub)
      const nowMs = afterCutoffs(sub, clock.now())
      const sid = tokens.newId(nowMs)
      const refreshJti = tokens.newId(nowMs)
      const endsAtMs = nowMs + settings.sessionTtlMs
      const expiresAtMs = Math.min(nowMs + settings.refreshTtlMs, endsAtMs)
      // Minted first, so that claims that cannot be signed leave no session behind.
      const pair = tokens.pair({
        sub,
        sid,
        fresh,
        claims,
        nowMs,
        refreshJti,
        refreshIssuedAtMs: nowMs,
        refreshExpiresAtMs: expiresAtMs,
      })
      const outcome = await recording(() =>
        store.sessions.start({
          sid,
          sub,
          refreshHash: refreshHash(refreshJti),
          createdAtMs: nowMs,
          lastUsedAtMs: nowMs,
          expiresAtMs,
          endsAtMs,
          ip,
          userAgent,
        }),
      )
      if (outcome === 'exists') throw new RescindError('internal_error', 'Two sessions drew the same id.')
      return pair
    },
    async refresh(refreshToken) {
      return refresh(await verify(refreshToken, { type: 'refresh' }))
    },
    check: guard.check,
    verify,
    revoke: createRevoke(settings, replica),
    sessions: {
      get: (sid) => store.sessions.get(sid, clock.now()),
      list: (sub, { limit = 100, cursor } = {}) => store.sessions.list(sub, { limit, cursor }, clock.now()),
    },
    jwks: () => keys.jwks(),
    status: () => ({ state: replica.state, lagMs: replica.lagMs, liveRecords: replica.size }),
    async close() {
      clearInterval(sweepTimer)
      await sweeping
      await replica.stop()
    },
  }
}

/** Repeats a bounded piece of work until it comes up short, and lets requests through between the pieces. */
async function inBatches(work: () => Promise<number>): Promise<void> {
  while ((await work()) >= SWEEP_LIMIT) await new Promise((resolve) => setImmediate(resolve))
}
