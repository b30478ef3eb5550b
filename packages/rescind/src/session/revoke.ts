import { configError, RescindError } from '../base/errors.ts'
import type { Replica } from '../revocation/replica.ts'
import { MAX_ID_LENGTH, type Revocation } from '../revocation/revocation.ts'
import type { Settings } from './options.ts'

/** Who revokes, and why; both are kept with the record. */
export interface RevokeReason {
  readonly by?: string | undefined
  readonly reason?: string | undefined
}

/** Ways to kill tokens. Each resolves once the tokens are dead here, and the record is as durable as the store promises. */
export interface Revoke {
  /** Kills one token. `expiresAtMs` is its own expiry, where known. */
  token(target: { readonly jti: string; readonly expiresAtMs?: number | undefined }, why?: RevokeReason): Promise<void>
  /** Ends one login: every token that descends from it. */
  session(sid: string, why?: RevokeReason): Promise<void>
  /**
   * Kills every token of a user issued at or before `before` (milliseconds since the epoch, default now), but for those
   * of the session `except`. Answers how many sessions it ended.
   */
  subject(
    sub: string,
    options?: RevokeReason & { readonly before?: number | undefined; readonly except?: string | undefined },
  ): Promise<number>
  /** The panic button: kills every token issued at or before `before` (milliseconds since the epoch, default now). */
  everything(options?: RevokeReason & { readonly before?: number | undefined }): Promise<void>
}

/** Text of an operator's that is longer than this is cut off. */
const MAX_REASON_LENGTH = 512

/** Composes store and replica into {@link Revoke}. */
export function createRevoke(settings: Settings, replica: Replica): Revoke {
  const { store, clock } = settings
  const longestTtlMs = Math.max(settings.accessTtlMs, settings.refreshTtlMs)
  const slackMs = settings.leewayMs + settings.clockToleranceMs

  const facts = (why: RevokeReason, expiresAt: number) => ({
    at: clock.now(),
    // Stores keep whole milliseconds.
    expiresAt: Math.ceil(expiresAt),
    ...(why.by === undefined ? {} : { by: why.by.slice(0, MAX_REASON_LENGTH) }),
    ...(why.reason === undefined ? {} : { reason: why.reason.slice(0, MAX_REASON_LENGTH) }),
  })
  /** When the last token minted up to now has expired. */
  const lastExpiry = () => clock.now() + longestTtlMs + slackMs

  return {
    async token({ jti, expiresAtMs }, why = {}) {
      const expiresAt = expiresAtMs === undefined ? lastExpiry() : expiresAtMs + slackMs
      const record: Revocation = { kind: 'token', id: checkedId('jti', jti), ...facts(why, expiresAt) }
      await recording(() => store.ledger.append([record]))
      replica.apply([record])
    },
    async session(sid, why = {}) {
      const record: Revocation = { kind: 'session', id: checkedId('sid', sid), ...facts(why, lastExpiry()) }
      const { recorded } = await recording(() => store.sessions.end({ sid }, record))
      replica.apply(recorded)
    },
    async subject(sub, options = {}) {
      const { before, except } = options
      const record: Revocation = {
        kind: 'subject',
        id: checkedId('sub', sub),
        before: checkedBefore(before) ?? clock.now(),
        ...(except === undefined ? {} : { except: checkedId('except', except) }),
        ...facts(options, lastExpiry()),
      }
      const { ended, recorded } = await recording(() => store.sessions.end({ sub, beforeMs: before, except }, record))
      replica.apply(recorded)
      return ended
    },
    async everything(options = {}) {
      const before = checkedBefore(options.before) ?? clock.now()
      const record: Revocation = { kind: 'everything', before, ...facts(options, lastExpiry()) }
      await recording(() => store.ledger.append([record]))
      replica.apply([record])
    },
  }
}

/** Runs a store's verb; its failure becomes an answer that says the request had no effect the caller may count on. */
export async function recording<T>(verb: () => Promise<T>): Promise<T> {
  try {
    return await verb()
  } catch (cause) {
    throw new RescindError('revocation_unavailable', 'The store did not take the change: try again.', { cause })
  }
}

function checkedId(name: string, id: string): string {
  if (typeof id !== 'string' || id === '' || id.length > MAX_ID_LENGTH) {
    throw configError(`${name} must be a string of 1 to ${MAX_ID_LENGTH} characters`)
  }
  return id
}

function checkedBefore(before: number | undefined): number | undefined {
  if (before !== undefined && !Number.isSafeInteger(before)) {
    throw configError('before must be a whole number of milliseconds since the epoch')
  }
  return before
}
