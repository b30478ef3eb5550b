import { historyLost } from '../../base/errors.ts'
import type { Position } from '../../revocation/ledger.ts'

/** The text of a place: the history it belongs to, and how many records came before. */
export function writePosition(generation: string, number: number): Position {
  return `${generation}:${number}`
}

/**
 * The number in a position's text.
 *
 * @throws RescindError `history_lost` when it belongs to another generation, or lies beyond the last place of this one
 */
export function parsePosition(text: Position, ledger: { generation: string; last: number }): number {
  const separator = text.lastIndexOf(':')
  const number = text.slice(separator + 1)
  const sameHistory = separator > 0 && text.slice(0, separator) === ledger.generation && /^\d{1,16}$/.test(number)
  if (!sameHistory || Number(number) > ledger.last) throw historyLost()
  return Number(number)
}
