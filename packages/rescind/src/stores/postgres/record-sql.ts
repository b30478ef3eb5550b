import { COMMIT_DURABLY } from './client.ts'
import type { PgNames } from './database.ts'

/** The columns of a record. */
const COLUMNS = 'kind, id, position, stamp, before_ms, except_sid, expires_at_ms, at_ms, revoked_by, reason'

/**
 * One statement that records what is new. The row of `meta` is both the counter and the lock: whoever holds it commits
 * before anyone else is given a position, so positions become visible in their order, and a follower that has seen one
 * never misses an earlier one. A record that is known, and to no later expiry, moves nothing. What was committed while
 * the statement waited for the lock is seen as well: locked rows are read anew, and the unique key knows no snapshot.
 */
export function appendingTo(
  { meta, revocations, channel }: PgNames,
  { input, stamp, count }: Record<'input' | 'stamp' | 'count', string>,
): string {
  return `
place AS (SELECT generation, position, stamp FROM ${meta} WHERE only_row FOR UPDATE),
written AS (
  INSERT INTO ${revocations} AS known
    (position, stamp, kind, id, before_ms, except_hash, except_sid, expires_at_ms, at_ms, revoked_by, reason)
  SELECT place.position + n, ${stamp}::integer, r.kind, r.id, r.before, r.except_hash, r.except_sid, r.expires, r.at, r.by, r.reason
    FROM place, jsonb_to_recordset(${input}::jsonb) AS r(n integer, kind text, id text, before bigint, except_hash text,
         except_sid text, expires bigint, at bigint, by text, reason text)
  ON CONFLICT (kind, id, before_ms, except_hash) DO UPDATE
    SET position = excluded.position, stamp = excluded.stamp, expires_at_ms = excluded.expires_at_ms,
        at_ms = excluded.at_ms, revoked_by = excluded.revoked_by, reason = excluded.reason
    WHERE known.expires_at_ms < excluded.expires_at_ms
  RETURNING 1),
moved AS (
  UPDATE ${meta} AS meta SET position = meta.position + ${count}::integer, stamp = ${stamp}::integer
   WHERE only_row AND EXISTS (SELECT FROM written)
  RETURNING meta.position, meta.stamp)
SELECT place.generation, coalesce(moved.position, place.position) AS position, coalesce(moved.stamp, place.stamp) AS stamp,
       ${COMMIT_DURABLY}, CASE WHEN moved.position IS NOT NULL THEN pg_notify('${channel}', '') END
  FROM place LEFT JOIN moved ON true`
}

/**
 * One snapshot shows where the ledger ends, and the records up to there. The record at the place itself comes too, if it
 * is still there, to be checked and left out.
 */
export function pageOf({ meta, revocations }: PgNames): string {
  return `
(SELECT 'place' AS kind, generation AS id, position, stamp, NULL::bigint AS before_ms, NULL AS except_sid,
        NULL::bigint AS expires_at_ms, NULL::bigint AS at_ms, NULL AS revoked_by, NULL AS reason,
        pg_is_in_recovery() AS is_standby
   FROM ${meta} WHERE only_row)
UNION ALL
(SELECT ${COLUMNS}, NULL FROM ${revocations} WHERE position >= $1 ORDER BY position LIMIT $2)
ORDER BY position`
}

/** The strictest live record that kills a token. */
export function findingIn({ revocations }: PgNames): string {
  const token = { jti: '$1::text', sid: '$2::text', sub: '$3::text', iatMs: '$4::bigint', nowMs: '$5::bigint' }
  return `${killers(revocations, token)
    .map((from) => `(SELECT ${COLUMNS} ${from})`)
    .join(' UNION ALL ')} LIMIT 1`
}

/** The SQL expressions of a token's parts. */
export type TokenSql = Record<'jti' | 'sid' | 'sub' | 'iatMs' | 'nowMs', string>

/** A condition: some live record kills the token. */
export function killedBy({ revocations }: PgNames, token: TokenSql): string {
  return killers(revocations, token)
    .map((from) => `EXISTS (SELECT ${from})`)
    .join(' OR ')
}

/** Where the records are that kill a token, the strictest first. An absent id is null and equals nothing. */
function killers(revocations: string, token: TokenSql): string[] {
  const { jti, sid, sub, iatMs, nowMs } = token
  const live = `FROM ${revocations} WHERE expires_at_ms > ${nowMs}`
  return [
    `${live} AND kind = 'everything' AND id = '' AND before_ms >= ${iatMs}`,
    `${live} AND kind = 'subject' AND id = ${sub} AND before_ms >= ${iatMs}
       AND (except_sid IS NULL OR except_sid IS DISTINCT FROM ${sid})`,
    `${live} AND kind = 'session' AND id = ${sid}`,
    `${live} AND kind = 'token' AND id = ${jti}`,
  ]
}
