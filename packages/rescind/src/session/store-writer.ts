import { createGroupCommit } from '../base/group-commit.ts'
import type { Position } from '../revocation/ledger.ts'
import type { Revocation } from '../revocation/revocation.ts'
import type { EndOrder, EndResult, NewSession, RotateClaim, RotateOutcome, Store } from './sessions.ts'

/** What callers ask of the store one by one; those that ask at once share its writes. */
export interface StoreWriter {
  append(record: Revocation): Promise<Position>
  start(session: NewSession): Promise<'started' | 'exists'>
  rotate(claim: RotateClaim): Promise<RotateOutcome>
  end(order: EndOrder): Promise<EndResult>
  /** The wishes that wait or are being written. */
  readonly pending: number
}

/** Puts a group commit before each verb of the store that writes. */
export function createStoreWriter(store: Store): StoreWriter {
  const appends = createGroupCommit(async (records: readonly Revocation[]) => {
    const position = await store.ledger.append(records)
    return records.map(() => position)
  })
  const starts = createGroupCommit((wishes: readonly NewSession[]) => store.sessions.start(wishes))
  const rotations = createGroupCommit((claims: readonly RotateClaim[]) => store.sessions.rotate(claims))
  const ends = createGroupCommit((orders: readonly EndOrder[]) => store.sessions.end(orders))
  return {
    append: appends.write,
    start: starts.write,
    rotate: rotations.write,
    end: ends.write,
    get pending() {
      return appends.pending + starts.pending + rotations.pending + ends.pending
    },
  }
}
