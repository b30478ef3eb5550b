import type { Kysely, Selectable } from 'kysely'
import { asking } from '../storage-failure.ts'
import type { AuditTable, Tables } from './tables.ts'

/** One act of an operator, as it is kept for ever. */
export interface AuditEntry {
  /** A UUIDv7: entries are in the order of their ids. */
  readonly id: string
  readonly atMs: number
  /** `user`, `client` or `command_line`, and its id. */
  readonly actorKind: string
  readonly actorId: string
  readonly ip: string | null
  /** What was done: `user.disable`, `revocation.create`, `key.rotate`. */
  readonly action: string
  /** What it was done to: `user`, `session`, `key`, and its id; `null` where it is no single thing. */
  readonly targetKind: string | null
  readonly targetId: string | null
  readonly reason: string | null
  /**
   * `asked`: it was about to be done. `failed`: it ended in an error. What was refused did not happen; where a store gave
   * no answer (`overloaded`, `revocation_unavailable`) or something broke (`internal_error`), it may have.
   */
  readonly outcome: 'asked' | 'failed'
  /** Of a failure: the id of the entry that asked, and the code of the error. */
  readonly failureOf: string | null
  readonly failureCode: string | null
}

/** The entries kept. Every method rejects with `overloaded` when the database fails or does not answer. */
export interface AuditLog {
  /** There is no way to change an entry or to take it out: the database refuses both. */
  append(entry: AuditEntry): Promise<void>
  /** Newest first; only entries older than `beforeId`, where it is given. */
  page(wish: { readonly beforeId: string | null; readonly limit: number }): Promise<readonly AuditEntry[]>
}

/** The entries in a SQL database. */
export function createAuditLog(tables: Kysely<Tables>): AuditLog {
  return {
    async append(entry) {
      await asking(() => tables.insertInto('audit').values(toRow(entry)).execute())
    },
    async page({ beforeId, limit }) {
      const newest = tables.selectFrom('audit').selectAll().orderBy('id', 'desc').limit(limit)
      const query = beforeId === null ? newest : newest.where('id', '<', beforeId)
      return (await asking(() => query.execute())).map(fromRow)
    },
  }
}

function toRow(entry: AuditEntry) {
  return {
    id: entry.id,
    at_ms: entry.atMs,
    actor_kind: entry.actorKind,
    actor_id: entry.actorId,
    ip: entry.ip,
    action: entry.action,
    target_kind: entry.targetKind,
    target_id: entry.targetId,
    reason: entry.reason,
    outcome: entry.outcome,
    failure_of: entry.failureOf,
    failure_code: entry.failureCode,
  }
}

function fromRow(row: Selectable<AuditTable>): AuditEntry {
  return {
    id: row.id,
    atMs: Number(row.at_ms),
    actorKind: row.actor_kind,
    actorId: row.actor_id,
    ip: row.ip,
    action: row.action,
    targetKind: row.target_kind,
    targetId: row.target_id,
    reason: row.reason,
    outcome: row.outcome,
    failureOf: row.failure_of,
    failureCode: row.failure_code,
  }
}
