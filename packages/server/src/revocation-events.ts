import type { Page, Revocation } from 'rescind'

const MAX_RECORDS = 500
const MAX_CHARACTERS = 262_144
// It comes back in a header, and a line end in it would end the field here.
const PLACE = /^[\x21-\x7e]{1,512}$/

/** A revocation in JSON. Times are milliseconds since the epoch. */
export interface RevocationEntry {
  readonly kind: Revocation['kind']
  readonly id?: string | undefined
  readonly before?: number | undefined
  readonly except?: string | undefined
  readonly expires_at: number
  readonly at: number
  readonly by?: string | undefined
  readonly reason?: string | undefined
}

/** A record as `GET /revocations` and `POST /revocations/find` show it. */
export function revocationEntry(record: Revocation): RevocationEntry {
  return {
    kind: record.kind,
    id: record.kind === 'everything' ? undefined : record.id,
    before: record.kind === 'subject' || record.kind === 'everything' ? record.before : undefined,
    except: record.kind === 'subject' ? record.except : undefined,
    expires_at: record.expiresAt,
    at: record.at,
    by: record.by,
    reason: record.reason,
  }
}

/** The event that begins a stream: which history its places belong to. */
export function openEvent(generation: string): string {
  return formatEvent('open', JSON.stringify({ generation }))
}

/**
 * The events of one page: as many as keep each one small. Its place is on the last of them, since a client may go on
 * from a place only when it has everything before it.
 */
export function pageEvents({ records, position }: Page): readonly string[] {
  if (!PLACE.test(position)) throw new Error('a place of the ledger cannot be sent')
  const parts: string[][] = [[]]
  let characters = 0
  for (const record of records) {
    const entry = JSON.stringify(revocationEntry(record))
    const last = parts.at(-1)
    if (last !== undefined && last.length < MAX_RECORDS && characters + entry.length <= MAX_CHARACTERS) {
      last.push(entry)
      characters += entry.length
    } else {
      parts.push([entry])
      characters = entry.length
    }
  }
  return parts.map((part, at) =>
    formatEvent('revocations', `[${part.join(',')}]`, at === parts.length - 1 ? position : undefined),
  )
}

/**
 * The event that proves: everything acknowledged until so many milliseconds after the request arrived has been sent.
 * Rounded down, so that it never promises more than is so.
 */
export function currentEvent(askedAfterMs: number): string {
  return formatEvent('current', JSON.stringify({ asked_after_ms: Math.floor(askedAfterMs) }))
}

function formatEvent(name: string, data: string, id?: string): string {
  return `event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${data}\n\n`
}
