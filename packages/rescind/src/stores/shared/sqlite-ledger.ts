import type { TokenIds } from '../../base/types.ts'
import type { FeedSink, Ledger, Page } from '../../revocation/ledger.ts'
import type { Revocation } from '../../revocation/revocation.ts'
import { atomically, type SqliteLike } from './sqlite-database.ts'

/** A ledger that can also append within a transaction its caller has open. */
export interface SqliteLedger extends Ledger {
  /** Appends without a transaction of its own. */
  appendNow(records: readonly Revocation[]): void
  /** Finds, within a transaction its caller may have open. */
  findNow(ids: TokenIds, nowMs: number): Revocation | null
}

const PAGE_ROWS = 1_000

interface Row {
  position: number
  kind: Revocation['kind']
  id: string
  before_ms: number
  except_sid: string
  expires_at_ms: number
  at_ms: number
  revoked_by: string | null
  reason: string | null
}

/** The ledger's half of the SQLite store. */
export function sqliteLedger(database: SqliteLike, pollMs: number): SqliteLedger {
  const same = 'kind = ? AND id = ? AND before_ms = ? AND except_sid = ?'
  const covered = database.prepare(`SELECT 1 FROM rescind_revocations WHERE ${same} AND expires_at_ms >= ?`)
  // Replacing gives a new position, so that followers see the later expiry.
  const insert = database.prepare(
    `INSERT OR REPLACE INTO rescind_revocations
       (kind, id, before_ms, except_sid, expires_at_ms, at_ms, revoked_by, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const lastPosition = database.prepare('SELECT coalesce(max(position), 0) AS position FROM rescind_revocations')
  const pageAfter = database.prepare(
    `SELECT * FROM rescind_revocations WHERE position > ? ORDER BY position LIMIT ${PAGE_ROWS}`,
  )
  const find = database.prepare(
    `SELECT * FROM rescind_revocations
      WHERE expires_at_ms > @now AND (
           (kind = 'token' AND id = @jti)
        OR (kind = 'session' AND id = @sid)
        OR (kind = 'subject' AND id = @sub AND before_ms >= @iat AND (except_sid = '' OR except_sid IS NOT @sid))
        OR (kind = 'everything' AND id = '' AND before_ms >= @iat))
      LIMIT 1`,
  )
  const prune = database.prepare(
    `DELETE FROM rescind_revocations WHERE position IN
       (SELECT position FROM rescind_revocations WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT ?)`,
  )
  const generation = database.prepare("SELECT value FROM rescind_meta WHERE name = 'generation'")

  const appendNow = (records: readonly Revocation[]) => {
    for (const record of records) {
      const key = identity(record)
      if (covered.get(...key, record.expiresAt) !== undefined) continue
      insert.run(...key, record.expiresAt, record.at, record.by ?? null, record.reason ?? null)
    }
  }
  const position = () => String((lastPosition.get() as { position: number }).position)
  const nextPage = (from: string): Page => {
    const rows = pageAfter.all(Number(from)) as Row[]
    return { records: rows.map(readRow), position: String(rows.at(-1)?.position ?? from) }
  }

  const findNow = ({ jti, sid, sub, iatMs }: TokenIds, nowMs: number): Revocation | null => {
    // An absent id matches nothing: no stored id is null.
    const row = find.get({ now: nowMs, jti: jti ?? null, sid: sid ?? null, sub: sub ?? null, iat: iatMs })
    return row === undefined ? null : readRow(row as Row)
  }

  return {
    appendNow,
    async append(records) {
      return atomically(database, () => {
        appendNow(records)
        return position()
      })
    },
    async *read(from) {
      let page = nextPage(from ?? '0')
      yield page
      while (page.records.length === PAGE_ROWS) {
        // A long replay lets other work of the process through between its pages.
        await new Promise((resolve) => setImmediate(resolve))
        page = nextPage(page.position)
        yield page
      }
    },
    async follow(from, sink, signal) {
      await pollForever(from, sink, signal, { nextPage, pollMs })
    },
    findNow,
    find: async (ids, nowMs) => findNow(ids, nowMs),
    async prune(nowMs, limit) {
      return Number(prune.run(nowMs, limit).changes)
    },
    async generation() {
      return (generation.get() as { value: string }).value
    },
  }
}

/**
 * Looks for new rows at a fixed pace. The newest position is one step down the table's tree, a few microseconds, and
 * unlike `PRAGMA data_version` it also shows what another part of this process wrote through the same connection.
 */
function pollForever(
  from: string,
  sink: FeedSink,
  signal: AbortSignal,
  source: { nextPage: (from: string) => Page; pollMs: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    let position = from
    let timer: NodeJS.Timeout | undefined
    const stop = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      resolve()
    }
    const look = () => {
      try {
        const askedAt = sink.now()
        const page = source.nextPage(position)
        if (page.records.length > 0) {
          position = page.position
          sink.records(page)
        }
        const caughtUp = page.records.length < PAGE_ROWS
        if (caughtUp) sink.current(askedAt)
        timer = setTimeout(look, caughtUp ? source.pollMs : 0)
        timer.unref()
      } catch (error) {
        signal.removeEventListener('abort', stop)
        reject(error)
      }
    }
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', stop)
    look()
  })
}

function identity(record: Revocation): [kind: string, id: string, beforeMs: number, exceptSid: string] {
  switch (record.kind) {
    case 'token':
    case 'session':
      return [record.kind, record.id, 0, '']
    case 'subject':
      return [record.kind, record.id, record.before, record.except ?? '']
    case 'everything':
      return [record.kind, '', record.before, '']
  }
}

function readRow(row: Row): Revocation {
  const facts = {
    expiresAt: row.expires_at_ms,
    at: row.at_ms,
    ...(row.revoked_by === null ? {} : { by: row.revoked_by }),
    ...(row.reason === null ? {} : { reason: row.reason }),
  }
  switch (row.kind) {
    case 'token':
    case 'session':
      return { kind: row.kind, id: row.id, ...facts }
    case 'subject':
      return {
        kind: row.kind,
        id: row.id,
        before: row.before_ms,
        ...(row.except_sid === '' ? {} : { except: row.except_sid }),
        ...facts,
      }
    case 'everything':
      return { kind: row.kind, before: row.before_ms, ...facts }
  }
}
