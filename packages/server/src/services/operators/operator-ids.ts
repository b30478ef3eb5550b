import { RescindError } from 'rescind'
import { isReadable } from './readable-text.ts'

const MAX_LENGTH = 512

/** True for an id that something may have, and that a store and a reader of the audit log can take as it is. */
export function isUsableId(id: string): boolean {
  return id !== '' && id.length <= MAX_LENGTH && isReadable(id)
}

/** Throws `not_found` for an id that nothing can have, before anything is asked about it. */
export function refuseImpossibleId(id: string): void {
  if (!isUsableId(id)) throw new RescindError('not_found', 'Nothing has this id.')
}
