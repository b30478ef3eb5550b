import { type Clock, type Ledger, type Rescind, RescindError, type RevocationKind } from 'rescind'
import { withDeadline } from '../../deadline.ts'
import type { Users } from '../../repositories/users.ts'
import { liveRecords } from './live-records.ts'
import type { OperatorStats } from './operators.ts'

/** What the figures are taken from. */
export interface StatisticsOptions {
  readonly auth: Rescind
  readonly users: Users
  readonly ledger: Ledger
  readonly clock: Clock
}

type KindCounts = Readonly<Record<RevocationKind, number>>

// A few pages of the ledger. More would make one request cost what a start of the service does.
const MAX_COUNTED = 20_000
const COUNT_DEADLINE_MS = 2_000
const KEPT_FOR_MS = 5_000

/** Takes the figures for operators. What has to be counted is up to five seconds old, and counted once for all who ask. */
export function createStatistics(options: StatisticsOptions): () => Promise<OperatorStats> {
  const { auth, users, ledger, clock } = options
  const people = countedOnce(clock, () => users.counts())
  const sessions = countedOnce(clock, async () => (await auth.preview({ kind: 'everything' })).sessions)
  const kinds = countedOnce(clock, () => countByKind(ledger, clock.now()))
  return async () => {
    const { state, lagMs, liveRecords } = auth.status()
    const [counted, liveSessions, byKind] = await Promise.all([
      people(),
      sessions(),
      liveRecords > MAX_COUNTED ? null : kinds(),
    ])
    // The replica forgets what has expired only now and then: its size may be more than lives.
    const all = byKind === null ? liveRecords : sumOf(byKind)
    return { users: counted, liveSessions, liveRevocations: { all, byKind }, replica: { state, lagMs } }
  }
}

function sumOf({ token, session, subject, everything }: KindCounts): number {
  return token + session + subject + everything
}

/** Whoever asks within five seconds shares one count: however many ask, the stores work no more. None that failed is kept. */
function countedOnce<T>(clock: Clock, count: () => Promise<T>): () => Promise<T> {
  let last: { readonly atMs: number; readonly counting: Promise<T> } | null = null
  return () => {
    if (last !== null && clock.monotonic() - last.atMs < KEPT_FOR_MS) return last.counting
    const current = { atMs: clock.monotonic(), counting: count() }
    last = current
    current.counting.catch(() => {
      if (last === current) last = null
    })
    return current.counting
  }
}

async function countByKind(ledger: Ledger, nowMs: number): Promise<KindCounts | null> {
  try {
    return await withDeadline(readKinds(ledger, nowMs), COUNT_DEADLINE_MS)
  } catch (cause) {
    throw new RescindError('revocation_unavailable', 'The ledger does not answer right now.', { cause })
  }
}

async function readKinds(ledger: Ledger, nowMs: number): Promise<KindCounts | null> {
  const counts = { token: 0, session: 0, subject: 0, everything: 0 }
  let read = 0
  for await (const { records, expired } of liveRecords(ledger, nowMs)) {
    for (const { kind } of records) counts[kind] += 1
    // What has expired takes as long to read.
    read += records.length + expired
    if (read > MAX_COUNTED) return null
  }
  return counts
}
