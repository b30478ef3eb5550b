import type { Ledger, Page, Position } from '../../revocation/ledger.ts'
import { openTransaction, type PgQueryable } from './client.ts'
import type { PgDatabase } from './database.ts'
import { followLedger } from './follow.ts'
import type { PgRecords } from './records.ts'

// Larger pages outlive the collector's nursery and replay at half the pace; a look at one is also answered well within
// its deadline on a slow line.
const PAGE_ROWS = 1_000
// Deletes in short transactions: each holds its rows, and work for the vacuum, for a moment only.
const PRUNE_ROWS = 5_000

/** The ledger's half of the PostgreSQL store. */
export function postgresLedger(database: PgDatabase, records: PgRecords, pollMs: number): Ledger {
  const { names, pool, withTables } = database
  return {
    async append(news, within) {
      if (within === undefined) return withTables(() => records.append(pool, news))
      const on = openTransaction(within)
      await database.ready()
      return records.append(on, news)
    },
    async *read(from) {
      const look = (position: Position | null) => {
        const page = withTables(() => records.look(pool, position, PAGE_ROWS))
        // A reader that stops early never asks for it.
        page.catch(() => {})
        return page
      }
      for (let next: ReturnType<typeof look> | null = look(from); next !== null; ) {
        const page: Page & { isFull: boolean } = await next
        // The server reads the next page while this one is being taken.
        next = page.isFull ? look(page.position) : null
        yield { records: page.records, position: page.position }
      }
    },
    async follow(from, sink, signal) {
      const source = {
        connect: () => pool.connect(),
        channel: names.channel,
        pollMs,
        look: (on: PgQueryable, position: Position) => records.look(on, position, PAGE_ROWS),
      }
      await withTables(() => followLedger(source, from, { sink, signal }))
    },
    find: (ids, nowMs) => withTables(() => records.find(pool, ids, nowMs)),
    async prune(nowMs, limit) {
      return inBatches(limit, PRUNE_ROWS, async (rows) => {
        const deleted = await database.query({
          // Rows that an append has locked are left for the next time, so that the two never wait for each other.
          text: `DELETE FROM ${names.revocations} WHERE position = ANY (ARRAY(
                   SELECT position FROM ${names.revocations} WHERE expires_at_ms <= $1
                    ORDER BY expires_at_ms LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING 1`,
          values: [nowMs, rows],
        })
        return deleted.length
      })
    },
    generation: async () => (await withTables(() => records.place(pool))).generation,
  }
}

/** Repeats `batch`, which handles up to so many rows and answers how many it did, until `limit` or none are left. */
export async function inBatches(
  limit: number,
  batchRows: number,
  batch: (rows: number) => Promise<number>,
): Promise<number> {
  let done = 0
  while (done < limit) {
    const rows = Math.min(batchRows, limit - done)
    const handled = await batch(rows)
    done += handled
    if (handled < rows) break
  }
  return done
}
