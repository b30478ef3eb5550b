import { createHash } from 'node:crypto'
import { type Clock, type Ledger, type Position, RescindError, type Revocation } from 'rescind'
import { withDeadline } from '../../deadline.ts'
import { isPlaceText, limitOf, readCursor, writeCursor } from './listing.ts'
import type { ListPage, ListRequest } from './operators.ts'

/**
 * A place in the ledger between two of its own places: after the record with this mark, on the page that begins after
 * `from`. Without a mark, at the beginning of that page.
 */
interface LedgerPlace {
  readonly from: Position | null
  readonly mark: string | null
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
    const place = readCursor(request, 'revocations', readPlace) ?? { from: null, mark: null }
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
  let { from, mark } = place
  for await (const { records, position } of ledger.read(from)) {
    const marked = mark === null ? -1 : records.findIndex((record) => markOf(record) === mark)
    for (const record of records.slice(marked + 1)) {
      // A store may keep a record some seconds longer.
      if (record.expiresAt <= nowMs) continue
      if (items.length === limit) return { items, nextCursor: writeCursor('revocations', [from, mark]) }
      items.push(record)
      mark = markOf(record)
    }
    from = position
    mark = null
  }
  return { items, nextCursor: null }
}

function readPlace([from, mark]: readonly unknown[]): LedgerPlace | null {
  const isPlace = from === null || isPlaceText(from)
  const isMark = mark === null || isPlaceText(mark)
  return isPlace && isMark ? { from, mark } : null
}

/** Tells a record from the others of its page. */
function markOf(record: Revocation): string {
  const id = record.kind === 'everything' ? '' : record.id
  const before = 'before' in record ? record.before : null
  const except = record.kind === 'subject' ? (record.except ?? null) : null
  const text = JSON.stringify([record.kind, id, record.at, before, except])
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}
