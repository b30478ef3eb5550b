import type { Revocation } from '../../revocation/revocation.ts'
import type { EndOrder, NewSession, RotateClaim, SessionSelector } from '../../session/sessions.ts'
import type { SessionCursor } from '../shared/cursor.ts'
import type { SessionState } from '../shared/rotation.ts'
import { COMMIT_DURABLY, type PgInteger, type PgQueryable } from './client.ts'
import type { PgNames } from './database.ts'
import { killedBy } from './record-sql.ts'
import type { PgRecords } from './records.ts'
import { restored, storable, storableOrNull } from './text.ts'

/** The statements on the table of sessions, on whichever client they are to run: one round trip each. */
export interface PgSessionTable {
  /** Answers the sids that were not there before. */
  insert(on: PgQueryable, sessions: readonly NewSession[]): Promise<ReadonlySet<string>>
  /** Locks the sessions of the claims; answers, in the place of each claim, its session and whether its token is dead. */
  lockClaimed(
    on: PgQueryable,
    claims: readonly RotateClaim[],
  ): Promise<{ readonly state: SessionState | null; readonly isKilled: boolean }[]>
  /** Locks the sessions that the orders may mean, but for those that have ended. */
  lockChosen(on: PgQueryable, orders: readonly EndOrder[]): Promise<SessionState[]>
  /** Writes the states of sessions that are locked, and appends to the ledger. */
  write(on: PgQueryable, states: readonly SessionState[], news: readonly Revocation[]): Promise<void>
  endEveryone(
    on: PgQueryable,
    which: { readonly beforeMs?: number | undefined },
    atMs: number,
  ): Promise<{ readonly ended: number; readonly lastIssuedAtMs: number | undefined }>
  get(on: PgQueryable, sid: string): Promise<SessionState[]>
  list(
    on: PgQueryable,
    part: { readonly sub: string; readonly after: SessionCursor; readonly limit: number; readonly nowMs: number },
  ): Promise<SessionState[]>
  count(on: PgQueryable, which: SessionSelector, nowMs: number): Promise<number>
  sweep(on: PgQueryable, nowMs: number, limit: number): Promise<number>
}

interface Row {
  sid: string | null
  sub: string
  refresh_hash: string
  parent_hash: string | null
  issued_at_ms: PgInteger
  created_at_ms: PgInteger
  last_used_at_ms: PgInteger
  expires_at_ms: PgInteger
  ends_at_ms: PgInteger
  ended_at_ms: PgInteger | null
  ip: string | null
  user_agent: string | null
}

const COLUMNS = `sid, sub, refresh_hash, parent_hash, issued_at_ms, created_at_ms, last_used_at_ms, expires_at_ms,
  ends_at_ms, ended_at_ms, ip, user_agent`

/** Writes the statements for this table. Whatever locks several rows does so in the order of their sids: no deadlocks. */
export function postgresSessionTable(names: PgNames, records: PgRecords): PgSessionTable {
  const { sessions } = names
  const select = async (on: PgQueryable, text: string, values: unknown[]) =>
    ((await on.query({ text, values })).rows as Row[]).flatMap((row) => readRow(row) ?? [])

  return {
    async insert(on, news) {
      const input = news.map(({ sid, sub, ip, userAgent, ...others }) => ({
        ...others,
        sid: storable(sid),
        sub: storable(sub),
        ip: storableOrNull(ip),
        userAgent: storableOrNull(userAgent),
      }))
      const { rows } = await on.query({
        text: `INSERT INTO ${sessions}
            (sid, sub, refresh_hash, issued_at_ms, created_at_ms, last_used_at_ms, expires_at_ms, ends_at_ms, ip, user_agent)
          SELECT sid, sub, "refreshHash", "createdAtMs", "createdAtMs", "lastUsedAtMs", "expiresAtMs", "endsAtMs", ip, "userAgent"
            FROM jsonb_to_recordset($1::jsonb) AS s(sid text, sub text, "refreshHash" text, "createdAtMs" bigint,
                 "lastUsedAtMs" bigint, "expiresAtMs" bigint, "endsAtMs" bigint, ip text, "userAgent" text)
           ORDER BY sid COLLATE "C"
          ON CONFLICT (sid) DO NOTHING
          RETURNING sid, ${COMMIT_DURABLY}`,
        values: [JSON.stringify(input)],
      })
      return new Set((rows as { sid: string }[]).map((row) => restored(row.sid)))
    },
    async lockClaimed(on, claims) {
      const input = claims.map(({ sid, token, nowMs }, n) => ({
        n,
        session: storable(sid),
        jti: storableOrNull(token.jti),
        sid: storableOrNull(token.sid),
        sub: storableOrNull(token.sub),
        iat: Math.ceil(token.iatMs),
        now: nowMs,
      }))
      const killed = killedBy(names, { jti: 'c.jti', sid: 'c.sid', sub: 'c.sub', iatMs: 'c.iat', nowMs: 'c.now' })
      const { rows } = await on.query({
        text: `WITH held AS (
            SELECT ${COLUMNS} FROM ${sessions} WHERE sid = ANY ($1::text[]) ORDER BY sid FOR UPDATE)
          SELECT held.*, ${killed} AS is_killed
            FROM jsonb_to_recordset($2::jsonb) AS c(n integer, session text, jti text, sid text, sub text, iat bigint, now bigint)
            LEFT JOIN held ON held.sid = c.session
           ORDER BY c.n`,
        values: [[...new Set(input.map((each) => each.session))], JSON.stringify(input)],
      })
      return (rows as (Row & { is_killed: boolean })[]).map((row) => ({
        state: readRow(row),
        isKilled: row.is_killed,
      }))
    },
    lockChosen(on, orders) {
      const sids = orders.flatMap(({ which }) => ('sid' in which ? storable(which.sid) : []))
      const subs = orders.flatMap(({ which }) => ('sub' in which ? storable(which.sub) : []))
      const text = `SELECT ${COLUMNS} FROM ${sessions}
         WHERE ended_at_ms IS NULL AND (sid = ANY ($1::text[]) OR sub = ANY ($2::text[])) ORDER BY sid FOR UPDATE`
      return select(on, text, [sids, subs])
    },
    async write(on, states, news) {
      // What a rotation or an ending may change, and nothing else.
      const input = states.map(
        ({ sid, refreshHash, parentHash, issuedAtMs, lastUsedAtMs, expiresAtMs, endedAtMs }) => ({
          sid: storable(sid),
          refreshHash,
          parentHash,
          issuedAtMs,
          lastUsedAtMs,
          expiresAtMs,
          endedAtMs,
        }),
      )
      const update = {
        text: `UPDATE ${sessions} AS session
            SET refresh_hash = s."refreshHash", parent_hash = s."parentHash", issued_at_ms = s."issuedAtMs",
                last_used_at_ms = s."lastUsedAtMs", expires_at_ms = s."expiresAtMs", ended_at_ms = s."endedAtMs"
           FROM jsonb_to_recordset($1::jsonb) AS s(sid text, "refreshHash" text, "parentHash" text, "issuedAtMs" bigint,
                "lastUsedAtMs" bigint, "expiresAtMs" bigint, "endedAtMs" bigint)
          WHERE session.sid = s.sid`,
        values: [JSON.stringify(input)],
      }
      if (news.length > 0) await records.append(on, news, states.length > 0 ? update : undefined)
      else if (states.length > 0) await on.query(update)
    },
    async endEveryone(on, { beforeMs }, atMs) {
      const { rows } = await on.query({
        text: `WITH held AS (
            SELECT sid, issued_at_ms FROM ${sessions}
             WHERE ended_at_ms IS NULL AND ($1::bigint IS NULL OR issued_at_ms <= $1) ORDER BY sid FOR UPDATE),
          ended AS (
            UPDATE ${sessions} AS session SET ended_at_ms = $2 FROM held WHERE session.sid = held.sid)
          SELECT count(*) AS ended, max(issued_at_ms) AS last FROM held`,
        values: [beforeMs ?? null, atMs],
      })
      const [{ ended, last } = { ended: 0, last: null }] = rows as { ended: PgInteger; last: PgInteger | null }[]
      return { ended: Number(ended), lastIssuedAtMs: last === null ? undefined : Number(last) }
    },
    get: (on, sid) => select(on, `SELECT ${COLUMNS} FROM ${sessions} WHERE sid = $1`, [storable(sid)]),
    list(on, { sub, after, limit, nowMs }) {
      const text = `SELECT ${COLUMNS} FROM ${sessions}
         WHERE sub = $1 AND ended_at_ms IS NULL AND expires_at_ms > $2 AND (created_at_ms, sid) < ($3, $4)
         ORDER BY created_at_ms DESC, sid DESC LIMIT $5`
      return select(on, text, [storable(sub), nowMs, after.createdAtMs, storable(after.sid), limit])
    },
    async count(on, which, nowMs) {
      const { rows } = await on.query({
        text: `SELECT count(*) AS sessions FROM ${sessions}
          WHERE ended_at_ms IS NULL AND expires_at_ms > $1 AND ${conditionOf(which)}`,
        values: [nowMs, ...parametersOf(which)],
      })
      return Number((rows as { sessions: PgInteger }[])[0]?.sessions)
    },
    async sweep(on, nowMs, limit) {
      const { rows } = await on.query({
        text: `DELETE FROM ${sessions} WHERE sid = ANY (ARRAY(
            SELECT sid FROM ${sessions} WHERE expires_at_ms <= $1
             ORDER BY expires_at_ms LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING 1`,
        values: [nowMs, limit],
      })
      return rows.length
    },
  }
}

/** The SQL of a selector; its parameters begin at `$2`. */
function conditionOf(which: SessionSelector): string {
  if ('everyone' in which) return '($2::bigint IS NULL OR issued_at_ms <= $2)'
  if ('sid' in which) return 'sid = $2'
  return 'sub = $2 AND ($3::bigint IS NULL OR created_at_ms <= $3) AND sid IS DISTINCT FROM $4::text'
}

function parametersOf(which: SessionSelector): (string | number | null)[] {
  if ('everyone' in which) return [which.beforeMs ?? null]
  if ('sid' in which) return [storable(which.sid)]
  return [storable(which.sub), which.beforeMs ?? null, storableOrNull(which.except)]
}

function readRow(row: Row): SessionState | null {
  if (row.sid === null) return null
  return {
    sid: restored(row.sid),
    sub: restored(row.sub),
    refreshHash: row.refresh_hash,
    parentHash: row.parent_hash,
    issuedAtMs: Number(row.issued_at_ms),
    createdAtMs: Number(row.created_at_ms),
    lastUsedAtMs: Number(row.last_used_at_ms),
    expiresAtMs: Number(row.expires_at_ms),
    endsAtMs: Number(row.ends_at_ms),
    endedAtMs: row.ended_at_ms === null ? null : Number(row.ended_at_ms),
    ip: row.ip === null ? null : restored(row.ip),
    userAgent: row.user_agent === null ? null : restored(row.user_agent),
  }
}
