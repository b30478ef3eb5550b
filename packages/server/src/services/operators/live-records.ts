import type { Ledger, Position, Revocation } from 'rescind'

/** What lives of one page of the ledger. */
export interface LivePage {
  /** Where the page begins and where it ends, as the ledger says it. */
  readonly from: Position | null
  readonly position: Position
  readonly records: readonly Revocation[]
  /** How many records of the page have expired. */
  readonly expired: number
}

/**
 * The records of a ledger that are live at `nowMs`, page by page and in its order, from the beginning or from a place. A
 * store keeps a record for some seconds after it has expired, or for as long as no service runs.
 */
export async function* liveRecords(
  ledger: Ledger,
  nowMs: number,
  from: Position | null = null,
): AsyncGenerator<LivePage> {
  let start = from
  for await (const { records, position } of ledger.read(from)) {
    const live = records.filter(({ expiresAt }) => expiresAt > nowMs)
    yield { from: start, position, records: live, expired: records.length - live.length }
    start = position
  }
}
