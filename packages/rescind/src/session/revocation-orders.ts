import { configError } from '../base/errors.ts'
import { ID_RULE, isUsableId } from '../base/ids.ts'
import { storableText } from '../base/text.ts'
import type { Revocation } from '../revocation/revocation.ts'
import type { Settings } from './options.ts'
import type { SessionSelector } from './sessions.ts'

/** Who revokes, and why; both are kept with the record. */
export interface RevokeReason {
  readonly by?: string | undefined
  readonly reason?: string | undefined
}

/** One token to kill. `expiresAtMs` is its own expiry, where known. */
export interface TokenTarget {
  readonly jti: string
  readonly expiresAtMs?: number | undefined
}

/** How far a subject's revocation reaches. */
export interface SubjectReach extends RevokeReason {
  /** Tokens issued at or before it die. Milliseconds since the epoch. @default now */
  readonly before?: number | undefined
  /** The `sid` of one session that is spared. */
  readonly except?: string | undefined
}

/** How far the panic button reaches. */
export interface EverythingReach extends RevokeReason {
  /** Tokens issued at or before it die. Milliseconds since the epoch. @default now */
  readonly before?: number | undefined
}

/** What to record, and which sessions to end with it; `null` for one token, which ends none. */
export interface RevocationOrder {
  readonly which: SessionSelector | null
  readonly revocation: Revocation
}

/** The words of a caller turned into orders. Each throws `invalid_config` for an unusable id or time. */
export interface RevocationOrders {
  token(target: TokenTarget, why?: RevokeReason): RevocationOrder
  session(sid: string, why?: RevokeReason): RevocationOrder
  subject(sub: string, reach?: SubjectReach): RevocationOrder
  everything(reach?: EverythingReach): RevocationOrder
}

const ROUNDING_MS = 1_000
/** Text of an operator's that is longer than this is cut off. */
const MAX_REASON_LENGTH = 512

/** Makes the orders: each record is kept until the last token that it can match has expired. */
export function createRevocationOrders(
  settings: Pick<Settings, 'clock' | 'maxTokenTtlMs' | 'leewayMs' | 'clockToleranceMs'>,
): RevocationOrders {
  const { clock } = settings
  const slackMs = retentionSlackMs(settings)
  const facts = ({ by, reason }: RevokeReason, expiresAt: number) => ({
    at: clock.now(),
    expiresAt,
    ...(by === undefined ? {} : { by: storableText(by, MAX_REASON_LENGTH) }),
    ...(reason === undefined ? {} : { reason: storableText(reason, MAX_REASON_LENGTH) }),
  })
  /** When the last token issued up to then has expired. */
  const lastExpiry = (issuedBy = clock.now()) => issuedBy + settings.maxTokenTtlMs + slackMs

  return {
    token({ jti, expiresAtMs }, why = {}) {
      // A time that has passed, or seconds given for milliseconds, would let the record be forgotten at once.
      const isOwn = expiresAtMs !== undefined && expiresAtMs > clock.now() && expiresAtMs < lastExpiry()
      const expiresAt = isOwn ? Math.ceil(expiresAtMs) + slackMs : lastExpiry()
      return { which: null, revocation: { kind: 'token', id: checkedId('jti', jti), ...facts(why, expiresAt) } }
    },
    session(sid, why = {}) {
      const revocation: Revocation = { kind: 'session', id: checkedId('sid', sid), ...facts(why, lastExpiry()) }
      return { which: { sid }, revocation }
    },
    subject(sub, reach = {}) {
      const { before, except } = reach
      const until = checkedBefore(before) ?? clock.now()
      const revocation: Revocation = {
        kind: 'subject',
        id: checkedId('sub', sub),
        before: until,
        ...(except === undefined ? {} : { except: checkedId('except', except) }),
        ...facts(reach, lastExpiry(Math.max(until, clock.now()))),
      }
      return { which: { sub, beforeMs: before, except }, revocation }
    },
    everything(reach = {}) {
      const before = checkedBefore(reach.before) ?? clock.now()
      const expiresAt = lastExpiry(Math.max(before, clock.now()))
      const revocation: Revocation = { kind: 'everything', before, ...facts(reach, expiresAt) }
      return { which: { everyone: true, beforeMs: reach.before }, revocation }
    },
  }
}

/**
 * How much longer a revocation is kept than a token lives that is issued now. A token is accepted that is dated ahead by
 * leeway and tolerance, and then past its end by the leeway once more; and its times are rounded to whole seconds.
 */
export function retentionSlackMs({
  leewayMs,
  clockToleranceMs,
}: Pick<Settings, 'leewayMs' | 'clockToleranceMs'>): number {
  return 2 * leewayMs + clockToleranceMs + ROUNDING_MS
}

/** The id, if a store can keep it. Throws `invalid_config` otherwise. */
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
