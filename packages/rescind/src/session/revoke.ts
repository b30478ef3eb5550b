import { configError, RescindError } from '../base/errors.ts'
import { ID_RULE, isUsableId } from '../base/ids.ts'
import type { Replica } from '../revocation/replica.ts'
import type { Revocation } from '../revocation/revocation.ts'
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
  const slackMs = settings.leewayMs + settings.clockToleranceMs

  const facts = (why: RevokeReason, expiresAt: number) => ({
    at: clock.now(),
    expiresAt,
    ...(why.by === undefined ? {} : { by: why.by.slice(0, MAX_REASON_LENGTH) }),
    ...(why.reason === undefined ? {} : { reason: why.reason.slice(0, MAX_REASON_LENGTH) }),
  })
  /** When the last token issued up to then has expired. */
  const lastExpiry = (issuedBy = clock.now()) => issuedBy + settings.maxTokenTtlMs + slackMs

  return {
    async token({ jti, expiresAtMs }, why = {}) {
      // A time that has passed, or seconds given for milliseconds, would let the record be forgotten at once.
      const isOwn = expiresAtMs !== undefined && expiresAtMs > clock.now() && expiresAtMs < lastExpiry()
      const expiresAt = isOwn ? Math.ceil(expiresAtMs) + slackMs : lastExpiry()
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
      const reach = checkedBefore(before) ?? clock.now()
      const record: Revocation = {
        kind: 'subject',
        id: checkedId('sub', sub),
        before: reach,
        ...(except === undefined ? {} : { except: checkedId('except', except) }),
        ...facts(options, lastExpiry(Math.max(reach, clock.now()))),
      }
      const { ended, recorded } = await recording(() => store.sessions.end({ sub, beforeMs: before, except }, record))
      replica.apply(recorded)
      return ended
    },
    async everything(options = {}) {
      const before = checkedBefore(options.before) ?? clock.now()
      const expiresAt = lastExpiry(Math.max(before, clock.now()))
      const record: Revocation = { kind: 'everything', before, ...facts(options, expiresAt) }
      if (options.before === undefined) {
        const { recorded } = await recording(() => store.sessions.end({ everyone: true }, record))
        replica.apply(recorded)
      } else {
        await recording(() => store.ledger.append([record]))
        replica.apply([record])
      }
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

export function checkedId(name: string, id: string): string {
  if (!isUsableId(id)) throw configError(`${name} must be ${ID_RULE}`)
  return id
}

function checkedBefore(before: number | undefined): number | undefined {
  if (before !== undefined && !Number.isSafeInteger(before)) {
    throw configError('before must be a whole number of milliseconds since the epoch')
  }
  return before
}
