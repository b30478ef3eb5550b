import { configError } from '../../base/errors.ts'
import type { FeedSink, Ledger, Page, Position, Transaction } from '../../revocation/ledger.ts'
import { parsePosition, writePosition } from '../shared/position.ts'
import { atomically, type SqliteLike } from './database.ts'
import { PAGE_ROWS, prepareRecords, type SqliteRecords } from './records.ts'

// Deleting more rows at once would hold up the requests of this process for longer than they can bear.
const PRUNE_ROWS = 1_000

/** The ledger's half of the SQLite store. */
export function sqliteLedger(database: SqliteLike, pollMs: number): Ledger {
  const records = recordsOn(database)
  const pageAfter = (from: Position | null): Page => {
    const place = records.place()
    const page = records.pageAfter(from === null ? 0 : parsePosition(from, place))
    return { records: page.records, position: writePosition(place.generation, page.position) }
  }

  return {
    async append(news, within) {
      const appendOn = (connection: SqliteRecords): Position => {
        connection.append(news)
        const { generation, last } = connection.place()
        return writePosition(generation, last)
      }
      if (within !== undefined) return appendOn(recordsOn(openTransaction(within)))
      return atomically(database, () => appendOn(records))
    },
    async *read(from) {
      let page = pageAfter(from)
      yield page
      while (page.records.length === PAGE_ROWS) {
        // A long replay lets other work of the process through between its pages.
        await new Promise((resolve) => setImmediate(resolve))
        page = pageAfter(page.position)
        yield page
      }
    },
    async follow(from, sink, signal) {
      await pollForever(from, sink, signal, { nextPage: pageAfter, pollMs })
    },
    find: async (ids, nowMs) => records.find(ids, nowMs),
    async prune(nowMs, limit) {
      return atomically(database, () => records.prune(nowMs, Math.min(limit, PRUNE_ROWS)))
    },
    generation: async () => records.place().generation,
  }
}

const onConnection = new WeakMap<SqliteLike, SqliteRecords>()

/** The ledger's statements on a connection, prepared once. */
export function recordsOn(database: SqliteLike): SqliteRecords {
  const known = onConnection.get(database)
  if (known !== undefined) return known
  const records = prepareRecords(database)
  onConnection.set(database, records)
  return records
}

/** The connection of a caller that has a transaction open on it. */
export function openTransaction(within: Transaction): SqliteLike {
  const connection = within as Partial<SqliteLike> & { inTransaction?: boolean }
  if (typeof connection.prepare !== 'function' || connection.inTransaction !== true) {
    throw configError('`within` must be a SQLite connection with a transaction open on it')
  }
  return within as SqliteLike
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
