import { createHash } from 'node:crypto'
import { type Clock, type Ledger, type Position, RescindError, type Revocation } from 'rescind'
import { withDeadline } from '../../deadline.ts'
import { isPlaceCount, isPlaceText, limitOf, readCursor, writeCursor } from './listing.ts'
import { liveRecords } from './live-records.ts'
import type { ListPage, ListRequest } from './operators.ts'

/**
 * A place in the ledger between two of its own places: on the page that begins after `from`, after the live record with
 * this mark, or after the `nth` of several that are alike in everything. Without a mark, at the beginning of that page.
 */
interface LedgerPlace {
  readonly from: Position | null
  readonly mark: string | null
  readonly nth: number
}

// A page of the ledger may hold a thousand records.
const READ_DEADLINE_MS = 2_000

/**
 * Lists the live revocations in the order of the ledger, on pages of any size. A record that is forgotten between two
 * pages makes some be shown twice, never one be left out.
 */
export function createRevocationListing(
  ledger: Ledger,
  clock: Clock,
): (request: ListRequest) => Promise<ListPage<Revocation>> {
  return async (request) => {
    const limit = limitOf(request)
    const place = readCursor(request, 'revocations', readPlace) ?? { from: null, mark: null, nth: 0 }
    try {
      return await withDeadline(collect(ledger, place, { limit, nowMs: clock.now() }), READ_DEADLINE_MS)
    } catch (cause) {
      // The ledger came back empty or older, or somebody made the cursor up.
      if (cause instanceof RescindError && cause.code === 'history_lost') {
        throw new RescindError('invalid_request', 'The cursor is none of this ledger: begin at the first page.', {
          cause,
        })
      }
      throw new RescindError('revocation_unavailable', 'The ledger does not answer right now.', { cause })
    }
  }
}

async function collect(
  ledger: Ledger,
  place: LedgerPlace,
  { limit, nowMs }: { limit: number; nowMs: number },
): Promise<ListPage<Revocation>> {
  const items: Revocation[] = []
  let last = place
  for await (const { from, records } of liveRecords(ledger, nowMs, place.from)) {
    if (from !== last.from) last = { from, mark: null, nth: 0 }
    for (const { record, mark, nth } of after(last, numbered(records))) {
      if (items.length === limit) return { items, nextCursor: cursorOf(last) }
      items.push(record)
      last = { from, mark, nth }
    }
  }
  return { items, nextCursor: null }
}

/** A record, and which one it is on its page: the `nth` of those with its mark. */
interface NumberedRecord {
  readonly record: Revocation
  readonly mark: string
  readonly nth: number
}

function numbered(records: readonly Revocation[]): readonly NumberedRecord[] {
  const counts = new Map<string, number>()
  return records.map((record) => {
    const mark = markOf(record)
    const nth = (counts.get(mark) ?? 0) + 1
    counts.set(mark, nth)
    return { record, mark, nth }
  })
}

/**
 * What follows the place; all of them where its record is no longer there. Records with one mark expire together, so the
 * number of one that lives does not change: new ones come behind it.
 */
function after(place: LedgerPlace, records: readonly NumberedRecord[]): readonly NumberedRecord[] {
  return records.slice(records.findIndex(({ mark, nth }) => mark === place.mark && nth === place.nth) + 1)
}

function cursorOf({ from, mark, nth }: LedgerPlace): string {
  return writeCursor('revocations', [from, mark, nth])
}

function readPlace([from, mark, nth]: readonly unknown[]): LedgerPlace | null {
  if (from !== null && !isPlaceText(from)) return null
  if (mark === null) return { from, mark, nth: 0 }
  return isPlaceText(mark) && isPlaceCount(nth) ? { from, mark, nth } : null
}

/** Tells a record from the others of its page, unless they are alike in everything. */
function markOf(record: Revocation): string {
  const { kind, at, expiresAt, by = null, reason = null } = record
  const id = kind === 'everything' ? null : record.id
  const before = 'before' in record ? record.before : null
  const except = record.kind === 'subject' ? (record.except ?? null) : null
  const text = JSON.stringify([kind, id, before, except, at, expiresAt, by, reason])
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}
