import { createSteadyTime } from '../base/clock.ts'
import { RescindError } from '../base/errors.ts'
import { soon, unref } from '../base/timers.ts'
import type { JsonObject, TokenIds } from '../base/types.ts'
import { checkable, createRevocationCheck } from '../revocation/check.ts'
import type { Position } from '../revocation/ledger.ts'
import { createReplica, type ReplicaState } from '../revocation/replica.ts'
import { createWatchers, type EndOfToken } from '../revocation/watchers.ts'
import type { KeyRing } from '../tokens/key-ring.ts'
import { createTokenVerifier } from '../tokens/verify.ts'
import { createAnswer } from './answer.ts'
import type { CheckOptions } from './check-options.ts'
import type { Watch } from './checked-principal.ts'
import { createExplain, type Explain } from './explain.ts'
import { createGuard } from './guard.ts'
import type { Login, SingleToken } from './login.ts'
import { createMints } from './mints.ts'
import { type RescindOptions, readOptions } from './options.ts'
import type { Principal } from './principal.ts'
import { createRefresh } from './refresh.ts'
import { createRenewal } from './renewal.ts'
import type { RequestGuard } from './request-guard.ts'
import { createRevocationOrders, type EverythingReach, type SubjectReach } from './revocation-orders.ts'
import { createRevoke, type Revoke, recording } from './revoke.ts'
import { createSessionCookies, type SessionCookies } from './session-cookies.ts'
import type { PageRequest, SessionPage, SessionRecord } from './sessions.ts'
import { createStoreWriter } from './store-writer.ts'
import { createTenants } from './tenants.ts'
import { createTokenFactory, type TokenPair } from './tokens.ts'

/** How a process stands towards the ledger: for health checks, and as numbers for metrics. */
export interface RescindStatus {
  readonly state: ReplicaState
  /** Milliseconds since memory was last proved complete; `Infinity` before the first replay. */
  readonly lagMs: number
  readonly liveRecords: number
  /** Bytes that they take outside the JavaScript heap. */
  readonly liveRecordBytes: number
  /** The last place in the ledger that was read; `null` before the first replay. */
  readonly position: Position | null
  /** How often the feed had to be reopened. */
  readonly feedReopened: number
  /** How many tokens passed unchecked, by `onUnavailable: 'allow'`. */
  readonly uncheckedTokens: number
  /** The changes that wait for the store or are being written. */
  readonly pendingWrites: number
  /** The signals of `principal.revoked` that wait. */
  readonly watchedTokens: number
}

/** A revocation that may be asked for, to see beforehand what it would end. */
export type RevocationPreview =
  | { readonly kind: 'session'; readonly sid: string }
  | ({ readonly kind: 'subject'; readonly sub: string } & Pick<SubjectReach, 'before' | 'except'>)
  | ({ readonly kind: 'everything' } & Pick<EverythingReach, 'before'>)

/** Issues, checks and revokes tokens. Made by {@link createRescind}. */
export interface Rescind<User = unknown, Claims extends object = JsonObject, Identity = string>
  extends RequestGuard<Principal<User, Claims>> {
  /**
   * Resolves once the live revocations have been replayed. Until then every guarded request is refused with
   * `revocation_unavailable`. Rejects with `revocation_unavailable` when the store does not answer; call it again then.
   */
  ready(): Promise<void>
  /** Starts a session and mints its first pair. Rejects with `revocation_unavailable` when the store fails. */
  issue(login: Login<Identity>): Promise<TokenPair>
  /** Mints one token without a session, the stateless way. Rejects with `invalid_config` for an unusable claim or life. */
  mint(token: SingleToken<Identity>): Promise<string>
  /**
   * After the user has proved again who they are (RFC 9470): a fresh access token of the same session. Rejects with
   * `token_revoked` when the session has ended, and with `token_invalid` for a principal without one.
   *
   * @param freshSeconds for how long it is fresh; by default, for as long as it lives
   */
  stepUp(principal: Principal<User, Claims>, freshSeconds?: number): Promise<string>
  /**
   * Exchanges a refresh token for a new pair; the old token is spent. Rejects with `token_malformed`, `token_invalid`,
   * `token_expired`, `token_revoked`, `wrong_token_type`, `refresh_token_reused` (the session is dead then) or
   * `revocation_unavailable`.
   */
  refresh(refreshToken: string): Promise<TokenPair>
  /** Checks a token that came some other way; rejects with the code that refuses it. */
  verify(token: string, options?: Omit<CheckOptions, 'optional' | 'locations'>): Promise<Principal<User, Claims>>
  /** Whether a live revocation kills a token with these ids. Rejects with `revocation_unavailable` when nobody knows. */
  isRevoked(ids: TokenIds): Promise<boolean>
  /** Gives tokens to the browser in cookies, and takes them back. */
  readonly cookies: SessionCookies
  readonly revoke: Revoke
  /** How many live sessions a revocation would end, before it is done. Ends none. */
  preview(revocation: RevocationPreview): Promise<{ readonly sessions: number }>
  /** Why a token is refused: which record killed it, by whom, when and until when. Asks the ledger. */
  readonly explain: Explain
  readonly sessions: {
    /** A live session, or `null`. */
    get(sid: string): Promise<SessionRecord | null>
    /** A user's live sessions, newest first; `limit` defaults to 100. */
    list(sub: string, page?: Partial<PageRequest>): Promise<SessionPage>
  }
  /** The public keys, for others to verify our tokens with. */
  jwks(): ReturnType<KeyRing['jwks']>
  status(): RescindStatus
  /** Calls the listener at every change of {@link RescindStatus.state}; answers how to stop. */
  onStateChange(listener: (state: ReplicaState) => void): () => void
  /** Stops following the ledger. The store stays open: it is its maker's to close. */
  close(): Promise<void>
}

const REPLAY_DEADLINE_MS = 30_000
const SWEEP_INTERVAL_MS = 10_000
const SWEEP_LIMIT = 500

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
export function createRescind<User = unknown, Claims extends object = JsonObject, Identity = string>(
  options: RescindOptions<User, Claims, Identity>,
): Rescind<User, Claims, Identity> {
  const settings = readOptions(options)
  const { store, keys, clock, onWarning } = settings
  for (const warning of keys.active?.warnings ?? []) onWarning(warning)
  const wallNow = () => clock.now()
  const tokens = createTokenFactory(settings)
  const writer = createStoreWriter(store, clock)
  const listeners = new Set<(state: ReplicaState) => void>()
  const watchers = createWatchers({
    wallNow,
    isRevoked: (ids) => replica.find(ids) !== null,
    reason: (code) => new RescindError(code, endOfToken[code]),
  })
  const replica = createReplica({
    ledger: store.ledger,
    clock,
    maxStalenessMs: settings.maxStalenessMs,
    shared: store.guarantees.shared,
    onRecord: watchers.notify,
    onArrival: (record) => settings.onArrival(record, Math.max(0, wallNow() - record.at)),
    onStateChange: (state) => {
      for (const listener of listeners) tell(listener, state)
    },
    onWarning,
  })
  const verifier = createTokenVerifier({ keys, rules: settings, noteOf: checkable }, settings.verifiedTokenCacheSize)
  const revoked = createRevocationCheck({ replica, ledger: store.ledger, wallNow, onWarning }, settings)
  const watch: Watch = (ids, expiresAtMs) => watchers.watch(ids, expiresAtMs + settings.leewayMs)
  const { locator, csrf, hooks } = settings
  const tenants = createTenants(verifier, hooks.verificationKeys)
  const guard = createGuard({ locator, csrf, tenants, revoked, hooks, wallNow, watch })
  const sessionCookies = createSessionCookies(settings.cookies, settings)
  const mints = createMints(settings, { tokens, tenants, afterCutoffs: (sub, nowMs) => afterCutoffs(sub, nowMs) })
  const refresh = createRefresh(settings, { writer, replica, tenants, tokens })
  const orders = createRevocationOrders(settings)

  const steadyTime = createSteadyTime(clock)
  const sweep = async () => {
    const nowMs = steadyTime()
    for (const _slice of replica.forget(nowMs)) await new Promise<void>((resolve) => soon(resolve))
    await untilDone(() => store.ledger.prune(nowMs, SWEEP_LIMIT))
    await untilDone(() => store.sessions.sweep(nowMs, SWEEP_LIMIT))
  }
  let sweeping: Promise<void> | undefined
  const sweepTimer = setInterval(() => {
    sweeping ??= sweep()
      .catch((error: unknown) => {
        onWarning(
          `expired records could not be cleared away: ${error instanceof Error ? error.message : 'unknown error'}`,
        )
      })
      .finally(() => {
        sweeping = undefined
      })
  }, SWEEP_INTERVAL_MS)
  unref(sweepTimer)

  // A login in the very millisecond of a log-out-everywhere, or on a machine whose clock runs a little behind the one
  // that recorded it, comes after it all the same: its tokens are dated past the cut-off.
  const afterCutoffs = (sub: string, nowMs: number): number => {
    const after = replica.cutoff(sub, undefined) + 1
    return after > nowMs && after - nowMs <= settings.clockToleranceMs ? after : nowMs
  }

  const start = async () => {
    for (const warning of (await store.inspect?.()) ?? []) onWarning(warning)
    await replica.start(REPLAY_DEADLINE_MS)
  }
  let starting: Promise<void> | undefined
  const verify: Rescind<User, Claims>['verify'] = async (token, checkOptions) => {
    const decision = await guard.checkToken(token, checkOptions)
    if (!decision.ok) throw decision.error
    if (decision.principal === null) throw new RescindError('token_missing', 'A token is required.')
    return decision.principal
  }

  return {
    ready() {
      starting ??= start().catch((error: unknown) => {
        starting = undefined
        throw error
      })
      return starting
    },
    async issue(login) {
      const { session, pair } = await mints.login(login)
      const outcome = await recording(() => writer.start(session))
      if (outcome === 'exists') throw new RescindError('internal_error', 'Two sessions drew the same id.')
      return pair
    },
    mint: mints.single,
    stepUp: mints.stepUp,
    async refresh(refreshToken) {
      return refresh(await verify(refreshToken, { type: 'refresh' }))
    },
    check: guard.check,
    answer: createAnswer(hooks.answers ?? {}, settings),
    ...createRenewal(settings, { revoked, tenants, tokens, sessionCookies }),
    cookies: sessionCookies,
    async isRevoked(ids) {
      const verdict = await revoked(checkable(ids))
      if (verdict instanceof RescindError) throw verdict
      return verdict !== null
    },
    verify,
    revoke: createRevoke({ orders, store, writer, replica }),
    async preview(wanted) {
      const { which } =
        wanted.kind === 'session'
          ? orders.session(wanted.sid)
          : wanted.kind === 'subject'
            ? orders.subject(wanted.sub, wanted)
            : orders.everything(wanted)
      const sessions = which === null ? 0 : await recording(() => store.sessions.count(which, clock.now()))
      return { sessions }
    },
    explain: createExplain({ tenants, replica, ledger: store.ledger, wallNow }),
    sessions: {
      get: (sid) => recording(() => store.sessions.get(sid, clock.now())),
      list: (sub, { limit = 100, cursor } = {}) =>
        recording(() => store.sessions.list(sub, { limit, cursor }, clock.now())),
    },
    jwks: () => keys.jwks(),
    status: () => ({
      state: replica.state,
      lagMs: replica.lagMs,
      liveRecords: replica.size,
      liveRecordBytes: replica.bytes,
      position: replica.position,
      feedReopened: replica.reopened,
      uncheckedTokens: revoked.unchecked,
      pendingWrites: writer.pending,
      watchedTokens: watchers.size,
    }),
    onStateChange(listener) {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
    async close() {
      clearInterval(sweepTimer)
      watchers.close()
      await sweeping
      await replica.stop()
    },
  }
}

const endOfToken: Readonly<Record<EndOfToken, string>> = {
  token_revoked: 'The token has been revoked.',
  token_expired: 'The token has expired.',
}

/** A listener that throws must not break the feed whose state it is told. */
function tell(listener: (state: ReplicaState) => void, state: ReplicaState): void {
  try {
    listener(state)
  } catch {
    // The listener's own failure is its maker's to notice.
  }
}

/** Repeats a bounded piece of work until nothing is left, and lets requests through between the pieces. */
async function untilDone(work: () => Promise<number>): Promise<void> {
  while ((await work()) > 0) await new Promise<void>((resolve) => soon(resolve))
}
