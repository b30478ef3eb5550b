import type { Page } from '../../revocation/ledger.ts'
import type { Revocation } from '../../revocation/revocation.ts'
import { asObject, parseRecord, unreadable } from './records.ts'
import type { ServerSentEvent } from './sse-parser.ts'

/** What a service's feed says. */
export type FeedMessage =
  | { readonly type: 'open'; readonly generation: string }
  | { readonly type: 'page'; readonly page: Page }
  /** Everything acknowledged before the ledger was asked has been sent; that was so long after the request arrived. */
  | { readonly type: 'current'; readonly askedAfterMs: number }

/**
 * Reads the events of one stream. A page that comes in several events has its place on the last of them, and is handed
 * on when it is whole: to go on from a place is to hold everything before it.
 */
export function createFeedReader(): (event: ServerSentEvent) => FeedMessage | null {
  let gathered: Revocation[] = []
  return ({ event, data, id }) => {
    switch (event) {
      case 'open': {
        const { generation } = asObject(parseJson(data))
        if (typeof generation !== 'string' || generation === '') throw unreadable('generation')
        return { type: 'open', generation }
      }
      case 'revocations': {
        const records = parseJson(data)
        if (!Array.isArray(records)) throw unreadable('revocations')
        for (const record of records) gathered.push(parseRecord(record))
        if (id === undefined || id === '') return null
        const page = { records: gathered, position: id }
        gathered = []
        return { type: 'page', page }
      }
      case 'current': {
        const { asked_after_ms: askedAfterMs } = asObject(parseJson(data))
        if (typeof askedAfterMs !== 'number' || !(askedAfterMs >= 0)) throw unreadable('asked_after_ms')
        if (gathered.length > 0) throw unreadable('current, with a page unfinished')
        return { type: 'current', askedAfterMs }
      }
      default:
        return null
    }
  }
}

/** The value of a JSON text; the error does not repeat it. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw unreadable('JSON')
  }
}
