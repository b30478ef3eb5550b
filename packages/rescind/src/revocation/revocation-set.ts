import type { TokenIds } from '../base/types.ts'
import type { Revocation } from './revocation.ts'

/**
 * The live revocations in memory, asked on every request. Exact: whole ids are compared, and the strictest record wins.
 */
export interface RevocationSet {
  /** Takes a record in. Doing so again changes nothing. */
  add(record: Revocation): void
  /** The record that kills a token with these ids, or `null`. Constant time in the number of records. */
  find(ids: TokenIds): Revocation | null
  /** Forgets records whose `expiresAt` has passed, at most `limit` of them; answers how many. */
  forget(nowMs: number, limit: number): number
  /** The records held. */
  readonly size: number
}

type SubjectRevocation = Extract<Revocation, { kind: 'subject' }>
type EverythingRevocation = Extract<Revocation, { kind: 'everything' }>

/**
 * Up to two cut-offs of one subject. `latest` reaches furthest; `behind` reaches furthest among those that spare
 * another session than `latest` does, and so decides for the session that `latest` spares. A third can never matter.
 * They are forgotten together, so that the expiry of one brings back nothing that another had killed.
 */
interface SubjectCutoffs {
  latest: SubjectRevocation
  behind: SubjectRevocation | null
  expiresAt: number
}

// Records that expire within the same span are forgotten together.
const BUCKET_MS = 10_000

interface Due {
  readonly of: 'tokens' | 'sessions' | 'subjects' | 'everything'
  readonly id: string
}

/** Makes an empty set. */
export function createRevocationSet(): RevocationSet {
  const tokens = new Map<string, Revocation>()
  const sessions = new Map<string, Revocation>()
  const subjects = new Map<string, SubjectCutoffs>()
  let everything: EverythingRevocation | null = null
  const buckets = new Map<number, Due[]>()
  // The buckets in use, ascending. A new one mostly comes last, so keeping the order costs next to nothing.
  const order: number[] = []

  const schedule = (expiresAt: number, due: Due) => {
    const bucket = Math.floor(expiresAt / BUCKET_MS)
    const list = buckets.get(bucket)
    if (list !== undefined) {
      list.push(due)
      return
    }
    buckets.set(bucket, [due])
    let at = order.length
    while (at > 0 && (order[at - 1] ?? 0) > bucket) at -= 1
    order.splice(at, 0, bucket)
  }

  const addTo = (map: Map<string, Revocation>, of: 'tokens' | 'sessions', id: string, record: Revocation) => {
    const known = map.get(id)
    if (known !== undefined && known.expiresAt >= record.expiresAt) return
    map.set(id, record)
    schedule(record.expiresAt, { of, id })
  }

  const addSubject = (record: SubjectRevocation) => {
    const known = subjects.get(record.id)
    if (known === undefined) {
      subjects.set(record.id, { latest: record, behind: null, expiresAt: record.expiresAt })
    } else {
      mergeCutoff(known, record)
      if (record.expiresAt <= known.expiresAt) return
      known.expiresAt = record.expiresAt
    }
    schedule(record.expiresAt, { of: 'subjects', id: record.id })
  }

  const forgetDue = ({ of, id }: Due, nowMs: number): number => {
    if (of === 'everything') {
      if (everything === null || everything.expiresAt > nowMs) return 0
      everything = null
      return 1
    }
    const map = of === 'tokens' ? tokens : of === 'sessions' ? sessions : subjects
    const record = map.get(id)
    // A later record for the same id has its own place in a later bucket.
    return record !== undefined && record.expiresAt <= nowMs && map.delete(id) ? 1 : 0
  }

  return {
    add(record) {
      switch (record.kind) {
        case 'token':
          return addTo(tokens, 'tokens', record.id, record)
        case 'session':
          return addTo(sessions, 'sessions', record.id, record)
        case 'subject':
          return addSubject(record)
        case 'everything':
          everything = strictest(everything, record)
          return schedule(record.expiresAt, { of: 'everything', id: '' })
      }
    },
    find({ jti, sid, sub, iatMs }) {
      if (everything !== null && iatMs <= everything.before) return everything
      if (sub !== undefined) {
        const cutoffs = subjects.get(sub)
        if (cutoffs !== undefined) {
          const spared = sid !== undefined && cutoffs.latest.except === sid
          const cutoff = spared ? cutoffs.behind : cutoffs.latest
          if (cutoff !== null && iatMs <= cutoff.before) return cutoff
        }
      }
      return (
        (sid !== undefined ? sessions.get(sid) : undefined) ?? (jti !== undefined ? tokens.get(jti) : undefined) ?? null
      )
    },
    forget(nowMs, limit) {
      const lastDue = Math.floor(nowMs / BUCKET_MS) - 1
      let forgotten = 0
      let visited = 0
      for (let bucket = order[0]; bucket !== undefined && bucket <= lastDue; bucket = order[0]) {
        const list = buckets.get(bucket) ?? []
        while (list.length > 0) {
          if (visited >= limit) return forgotten
          const due = list.pop()
          if (due !== undefined) forgotten += forgetDue(due, nowMs)
          visited += 1
        }
        buckets.delete(bucket)
        order.shift()
      }
      return forgotten
    },
    get size() {
      let count = tokens.size + sessions.size + (everything === null ? 0 : 1)
      for (const cutoffs of subjects.values()) count += cutoffs.behind === null ? 1 : 2
      return count
    },
  }
}

/** The cut-off that reaches further, kept for as long as either asks. */
function strictest(known: EverythingRevocation | null, record: EverythingRevocation): EverythingRevocation {
  if (known === null) return record
  const further = record.before > known.before ? record : known
  return { ...further, expiresAt: Math.max(known.expiresAt, record.expiresAt) }
}

function mergeCutoff(known: SubjectCutoffs, record: SubjectRevocation): void {
  const { latest, behind } = known
  if (record.except === latest.except) {
    if (record.before > latest.before) known.latest = record
  } else if (record.before > latest.before) {
    known.behind = latest
    known.latest = record
  } else if (behind === null || record.before > behind.before) {
    known.behind = record
  }
}
