import { RescindError } from 'rescind'
import type { ListPage, ListRequest } from './operators.ts'

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 200
const MAX_CURSOR_LENGTH = 2_048
// What no store keeps: PostgreSQL refuses a whole query for it.
const UNSTORABLE = /[\p{Surrogate}\0]/u

/** How many entries a page of this request has. Throws `invalid_request`. */
export function limitOf({ limit = DEFAULT_LIMIT }: ListRequest): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit
  throw new RescindError('invalid_request', `A page may have 1 to ${MAX_LIMIT} entries.`)
}

/** A place in a listing, as a text that nobody has to understand. */
export function writeCursor(listing: string, place: readonly (string | number | null)[]): string {
  return Buffer.from(JSON.stringify([listing, ...place])).toString('base64url')
}

/**
 * The place that a cursor of this listing tells, as `read` makes it out of its parts; `null` where none is given.
 *
 * @throws RescindError `invalid_request`
 */
export function readCursor<Place>(
  { cursor }: ListRequest,
  listing: string,
  read: (parts: readonly unknown[]) => Place | null,
): Place | null {
  if (cursor === undefined) return null
  const [name, ...parts] = cursor.length <= MAX_CURSOR_LENGTH ? partsOf(cursor) : []
  const place = name === listing ? read(parts) : null
  if (place !== null) return place
  throw new RescindError('invalid_request', 'The cursor is none that a page of this listing named.')
}

/** True for a part of a cursor that is text as a store can look it up. */
export function isPlaceText(part: unknown): part is string {
  return typeof part === 'string' && part !== '' && !UNSTORABLE.test(part)
}

/** True for a part of a cursor that is a time in milliseconds. */
export function isPlaceTime(part: unknown): part is number {
  return Number.isSafeInteger(part) && Number(part) >= 0
}

/** True for a part of a cursor that counts something, from 1 on. */
export function isPlaceCount(part: unknown): part is number {
  return Number.isSafeInteger(part) && Number(part) >= 1
}

/** A page out of what was found, where one more was asked for than the page has. */
export function pageOf<T>(found: readonly T[], limit: number, cursorAfter: (last: T) => string): ListPage<T> {
  const items = found.slice(0, limit)
  const last = items.at(-1)
  return { items, nextCursor: found.length > limit && last !== undefined ? cursorAfter(last) : null }
}

function partsOf(cursor: string): readonly unknown[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    return Array.isArray(parts) ? parts : []
  } catch {
    return []
  }
}
