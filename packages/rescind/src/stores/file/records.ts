import type { TokenIds } from '../../base/types.ts'
import { kills, type Revocation } from '../../revocation/revocation.ts'
import { createExpiryQueue } from './expiry.ts'
import { recordBytes } from './rows.ts'

/**
 * Where in the log's history a record stands: at which byte of the log its command begins, counted from the very
 * beginning whatever has been compacted since, and which of that command's records it is. Counting bytes rather than
 * records, a frame that is damaged later on moves nothing else.
 */
export interface Place {
  readonly at: number
  readonly index: number
}

/** A record and its place. */
export interface Entry extends Place {
  readonly record: Revocation
  /** False once it was pruned or replaced. */
  live: boolean
}

/** The live records in memory: in order, by what they kill, and by expiry. */
export interface LiveRecords {
  /** The place of the newest record there ever was. */
  readonly last: Place
  readonly count: number
  /** About how many bytes they take in a snapshot. */
  readonly bytes: number
  /** True when adding the record would change nothing. */
  covers(record: Revocation): boolean
  /** Adds a record, unless it is covered, behind all others. */
  add(record: Revocation, place: Place): void
  /** The same for a record of a snapshot, of which there is no other: not looking saves much of a long replay. */
  restore(record: Revocation, place: Place): void
  find(ids: TokenIds, nowMs: number): Revocation | null
  /** Up to `limit` records after a place, in order. */
  after(place: Place, limit: number): Entry[]
  /** Forgets up to `limit` expired records, those that expired first before others; answers how many. */
  prune(nowMs: number, limit: number): number
  hasExpired(nowMs: number): boolean
  all(): Entry[]
}

/** Below this many, looking for forgotten entries costs more than they do. */
const FEW = 1_000

/** Orders places. */
function isAfter(a: Place, b: Place): boolean {
  return a.at > b.at || (a.at === b.at && a.index > b.index)
}

/** Makes an empty set whose history reaches to `start`. */
export function createLiveRecords(start: Place): LiveRecords {
  const tokens = new Map<string, Entry>()
  const sessions = new Map<string, Entry>()
  const subjects = new Map<string, Entry[]>()
  let everything: Entry[] = []
  // The order of expiry is the same in every process that reads the log: by deadline, then by place.
  const expiry = createExpiryQueue<Entry>((a, b) =>
    a.record.expiresAt === b.record.expiresAt ? isAfter(b, a) : a.record.expiresAt < b.record.expiresAt,
  )
  let order: Entry[] = []
  let count = 0
  let bytes = 0
  let last = start

  const known = (record: Revocation): Entry | undefined => {
    switch (record.kind) {
      case 'token':
        return tokens.get(record.id)
      case 'session':
        return sessions.get(record.id)
      case 'subject':
        return subjects.get(record.id)?.find((entry) => isSameCutoff(entry.record, record))
      case 'everything':
        return everything.find((entry) => isSameCutoff(entry.record, record))
    }
  }

  const index = (entry: Entry) => {
    const { record } = entry
    switch (record.kind) {
      case 'token':
        return tokens.set(record.id, entry)
      case 'session':
        return sessions.set(record.id, entry)
      case 'subject': {
        const cutoffs = subjects.get(record.id)
        return cutoffs === undefined ? subjects.set(record.id, [entry]) : cutoffs.push(entry)
      }
      case 'everything':
        return everything.push(entry)
    }
  }

  const put = (record: Revocation, { at, index: nth }: Place) => {
    const entry: Entry = { at, index: nth, record, live: true }
    order.push(entry)
    expiry.add(entry)
    index(entry)
    count += 1
    bytes += recordBytes(record)
    if (isAfter(entry, last)) last = { at, index: nth }
  }

  const drop = (entry: Entry) => {
    const { record } = entry
    entry.live = false
    count -= 1
    bytes -= recordBytes(record)
    if (record.kind === 'token') tokens.delete(record.id)
    else if (record.kind === 'session') sessions.delete(record.id)
    else if (record.kind === 'everything') everything = everything.filter((each) => each !== entry)
    else {
      const others = (subjects.get(record.id) ?? []).filter((each) => each !== entry)
      if (others.length === 0) subjects.delete(record.id)
      else subjects.set(record.id, others)
    }
    if (order.length > FEW && count < order.length / 2) order = order.filter((each) => each.live)
  }

  const firstToExpire = (): Entry | undefined => {
    let first = expiry.first()
    while (first !== undefined && !first.live) {
      expiry.removeFirst()
      first = expiry.first()
    }
    return first
  }

  const covers = (record: Revocation) =>
    (known(record)?.record.expiresAt ?? Number.NEGATIVE_INFINITY) >= record.expiresAt

  return {
    get last() {
      return last
    },
    get count() {
      return count
    },
    get bytes() {
      return bytes
    },
    covers,
    add(record, place) {
      const replaced = known(record)
      if (replaced !== undefined) {
        if (replaced.record.expiresAt >= record.expiresAt) return
        drop(replaced)
      }
      put(record, place)
    },
    restore: put,
    find(ids, nowMs) {
      const lives = (entry: Entry | undefined) => entry !== undefined && entry.record.expiresAt > nowMs
      const hits = (entry: Entry) => lives(entry) && kills(entry.record, ids)
      const cutoff = everything.find(hits) ?? (ids.sub === undefined ? undefined : subjects.get(ids.sub)?.find(hits))
      if (cutoff !== undefined) return cutoff.record
      const session = ids.sid === undefined ? undefined : sessions.get(ids.sid)
      if (session !== undefined && lives(session)) return session.record
      const token = ids.jti === undefined ? undefined : tokens.get(ids.jti)
      return token !== undefined && lives(token) ? token.record : null
    },
    after(place, limit) {
      const found: Entry[] = []
      for (let at = firstAfter(order, place); at < order.length && found.length < limit; at += 1) {
        const entry = order[at]
        if (entry?.live) found.push(entry)
      }
      return found
    },
    prune(nowMs, limit) {
      let pruned = 0
      for (let first = firstToExpire(); pruned < limit; first = firstToExpire()) {
        if (first === undefined || first.record.expiresAt > nowMs) break
        drop(first)
        pruned += 1
      }
      return pruned
    },
    hasExpired: (nowMs) => (firstToExpire()?.record.expiresAt ?? Number.POSITIVE_INFINITY) <= nowMs,
    all: () => order.filter((entry) => entry.live),
  }
}

function isSameCutoff(a: Revocation, b: Revocation): boolean {
  if (a.kind === 'everything') return b.kind === 'everything' && a.before === b.before
  return a.kind === 'subject' && b.kind === 'subject' && a.before === b.before && a.except === b.except
}

/** Where in `order` the entries after a place begin. */
function firstAfter(order: readonly Entry[], place: Place): number {
  let low = 0
  let high = order.length
  while (low < high) {
    const middle = (low + high) >> 1
    const entry = order[middle]
    if (entry !== undefined && isAfter(entry, place)) high = middle
    else low = middle + 1
  }
  return low
}
