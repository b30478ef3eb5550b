import type { Clock } from '../base/clock.ts'
import { createGroupCommit } from '../base/group-commit.ts'
import { heldUp } from '../base/held-up.ts'
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

interface ClaimSince {
  readonly claim: RotateClaim
  /** When it came, by the clock that never jumps. */
  readonly since: number
}

/** Puts a group commit before each verb of the store that writes. */
export function createStoreWriter(store: Store, clock: Clock): StoreWriter {
  const appends = createGroupCommit(async (records: readonly Revocation[]) => {
    const position = await store.ledger.append(records)
    return records.map(() => position)
  })
  const starts = createGroupCommit((wishes: readonly NewSession[]) => store.sessions.start(wishes))
  const rotations = createGroupCommit((claims: readonly ClaimSince[]) => {
    const now = clock.monotonic()
    return store.sessions.rotate(claims.map(({ claim, since }) => heldUp(claim, now - since)))
  })
  const ends = createGroupCommit((orders: readonly EndOrder[]) => store.sessions.end(orders))
  return {
    append: appends.write,
    start: starts.write,
    rotate: (claim) => rotations.write({ claim, since: clock.monotonic() }),
    end: ends.write,
    get pending() {
      return appends.pending + starts.pending + rotations.pending + ends.pending
    },
  }
}
