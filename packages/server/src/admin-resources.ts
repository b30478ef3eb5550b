import type { Revocation, SessionRecord } from 'rescind'
import type { z } from 'zod'
import type {
  adminKeySchema,
  adminRevocationSchema,
  adminSessionsSchema,
  adminStatsSchema,
  adminUserSchema,
  auditEntrySchema,
} from './openapi/admin-schemas.ts'
import type { AuditEntry } from './repositories/audit.ts'
import type { UserRecord } from './repositories/users.ts'
import { type LastUses, sessionResource, timestamp, userResource } from './resources.ts'
import type { KeyDescription } from './services/keys.ts'
import type { ListPage, OperatorStats } from './services/operators/operators.ts'

/** An account as operators see it. */
export function adminUser(user: UserRecord): z.output<typeof adminUserSchema> {
  return { ...userResource(user), disabled_at: timeOrNull(user.disabledAtMs) }
}

/** A page of somebody's sessions; `currentSid` names the one of the request. */
export function adminSessions(
  { items, nextCursor }: ListPage<SessionRecord>,
  lastUses: LastUses,
  currentSid: string | undefined,
): z.output<typeof adminSessionsSchema> {
  return {
    sessions: items.map((session) => sessionResource(session, lastUses, currentSid)),
    next_cursor: nextCursor,
  }
}

/** A live revocation: what is dead, by whom, when, why and until when. */
export function adminRevocation(record: Revocation): z.output<typeof adminRevocationSchema> {
  return {
    kind: record.kind,
    id: record.kind === 'everything' ? null : record.id,
    before: 'before' in record ? timestamp(record.before) : null,
    except: (record.kind === 'subject' ? record.except : undefined) ?? null,
    by: record.by ?? null,
    reason: record.reason ?? null,
    at: timestamp(record.at),
    expires_at: timestamp(record.expiresAt),
  }
}

/** A signing key without what signs. */
export function adminKey(key: KeyDescription): z.output<typeof adminKeySchema> {
  const { kid, alg, state, createdAtMs, signsFromMs, expiresAtMs } = key
  return {
    kid,
    alg,
    state,
    created_at: timestamp(createdAtMs),
    signs_from: timestamp(signsFromMs),
    expires_at: timeOrNull(expiresAtMs),
  }
}

/** An act of an operator's. */
export function adminAuditEntry(entry: AuditEntry): z.output<typeof auditEntrySchema> {
  const { id, atMs, actorKind, actorId, ip, action, targetKind, targetId, reason, outcome } = entry
  const { failureOf, failureCode } = entry
  return {
    id,
    at: timestamp(atMs),
    actor: { kind: actorKind, id: actorId, ip },
    action,
    target: targetKind === null ? null : { kind: targetKind, id: targetId },
    reason,
    outcome,
    failure: failureOf === null ? null : { of: failureOf, code: failureCode ?? 'internal_error' },
  }
}

/** How the service stands. */
export function adminStats(stats: OperatorStats): z.output<typeof adminStatsSchema> {
  const { users, liveSessions, liveRevocations, replica } = stats
  return {
    users,
    live_sessions: liveSessions,
    live_revocations: { all: liveRevocations.all, by_kind: liveRevocations.byKind },
    // JSON has no word for infinity.
    replica: { state: replica.state, lag_ms: Number.isFinite(replica.lagMs) ? Math.round(replica.lagMs) : null },
  }
}

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : timestamp(ms)
}
