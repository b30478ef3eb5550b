import { historyLost } from '../../base/errors.ts'
import type { Position } from '../../revocation/ledger.ts'
import type { PgInteger } from './client.ts'

/**
 * A place in the ledger: after the record `position` of a generation, which an append with this stamp wrote. The stamp
 * is what tells a server that lost its last moments, and has gone on since, from the one that was followed before: the
 * generation is the same there, and the position may have been passed again.
 */
export interface Place {
  readonly generation: string
  readonly position: PgInteger
  readonly stamp: number
}

/** Writes a place as text for the follower to hand back. */
export function writePlace({ generation, position, stamp }: Place): Position {
  return `${generation}:${position}:${stamp}`
}

/** Reads the text of a place; anything that is not one belongs to no history. */
export function readPlace(text: Position): Place {
  const [, generation, position, stamp] = /^(.+):(\d{1,16}):(\d{1,10})$/s.exec(text) ?? []
  if (generation === undefined) throw historyLost()
  return { generation, position: Number(position), stamp: Number(stamp) }
}

/**
 * Checks that `from` is a place in the history that now ends at `last`. `found` is the stamp of the record at `from`,
 * where that record is still there.
 *
 * @throws RescindError `history_lost`
 */
export function checkPlace(from: Place, last: Place, found: number | undefined): void {
  const position = Number(from.position)
  const stamp = position === Number(last.position) ? last.stamp : found
  const isKnown =
    from.generation === last.generation &&
    position <= Number(last.position) &&
    (stamp === undefined || stamp === from.stamp)
  if (!isKnown) throw historyLost()
}
