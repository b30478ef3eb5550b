import { configError, historyLost } from '../../base/errors.ts'
import type { Ledger, Page, Position } from '../../revocation/ledger.ts'
import type { Revocation } from '../../revocation/revocation.ts'
import { refuseTransaction } from '../shared/transaction.ts'
import type { FileLog } from './log.ts'
import type { Place } from './records.ts'
import { recordRow } from './rows.ts'
import type { FileState } from './state.ts'

const PAGE_RECORDS = 1_000

/** The ledger's half of the file store. */
export function fileLedger(log: FileLog, pollMs: number): Ledger {
  const nextPage = (from: Position | null) => log.ask((state) => pageAfter(state, from))

  return {
    async append(records, within) {
      refuseTransaction('file', within)
      for (const record of records) checkTimes(record)
      const { generation, last } = await log.submit(['append', records.map(recordRow)])
      return writePosition(generation, last)
    },
    async *read(from) {
      let page = await nextPage(from)
      yield page
      while (page.records.length === PAGE_RECORDS) {
        page = await nextPage(page.position)
        yield page
      }
    },
    async follow(from, sink, signal) {
      let position = from
      while (!signal.aborted) {
        const askedAt = sink.now()
        const page = await nextPage(position)
        if (signal.aborted) return
        if (page.records.length > 0) {
          position = page.position
          sink.records(page)
        }
        if (page.records.length === PAGE_RECORDS) continue
        sink.current(askedAt)
        await log.changed(pollMs, signal)
      }
    },
    find: (ids, nowMs) => log.ask((state) => state.records.find(ids, nowMs)),
    prune: (nowMs, limit) => log.submit(['prune', nowMs, Math.min(limit, Number.MAX_SAFE_INTEGER)]),
    generation: () => log.ask((state) => state.generation),
  }
}

/** JSON has no word for a time that is not a finite number, and a record without its times would be lost. */
export function checkTimes(record: Revocation): void {
  const before = record.kind === 'subject' || record.kind === 'everything' ? record.before : 0
  if (![record.expiresAt, record.at, before].every(Number.isFinite)) {
    throw configError('the times of a revocation must be finite numbers')
  }
}

function pageAfter(state: FileState, from: Position | null): Page {
  const { last } = state.records
  const place = from === null ? { at: -1, index: 0 } : readPosition(state, from)
  const entries = state.records.after(place, PAGE_RECORDS)
  const reached = entries.length === PAGE_RECORDS ? (entries.at(-1) ?? last) : last
  return { records: entries.map((entry) => entry.record), position: writePosition(state.generation, reached) }
}

function writePosition(generation: string, { at, index }: Place): Position {
  return `${generation}:${at}.${index}`
}

/** Rejects what is not a place in the history of this log. */
function readPosition({ generation, records: { last } }: FileState, position: Position): Place {
  const [, of, atText, indexText] = /^([^:]*):(\d{1,16})\.(\d{1,16})$/.exec(position) ?? []
  const place = { at: Number(atText), index: Number(indexText) }
  if (of !== generation || place.at > last.at || (place.at === last.at && place.index > last.index)) throw historyLost()
  return place
}
