import type { FeedSink, Ledger, NewSession, Position, Revocation, RotateClaim } from 'rescind'

export const NOW = 1_700_000_000_000
export const LATER = NOW + 60_000

export function tokenRevocation(id: string, expiresAt = LATER): Revocation {
  return { kind: 'token', id, at: NOW, expiresAt }
}

export function sessionRevocation(id: string): Revocation {
  return { kind: 'session', id, at: NOW, expiresAt: LATER }
}

export function newSession(sid: string, changes: Partial<NewSession> = {}): NewSession {
  return {
    sid,
    sub: 'alice',
    createdAtMs: NOW,
    lastUsedAtMs: NOW,
    expiresAtMs: NOW + 10_000,
    endsAtMs: NOW + 30_000,
    ip: null,
    userAgent: null,
    refreshHash: `${sid}-0`,
    ...changes,
  }
}

export function claim(sid: string, from: number, changes: Partial<RotateClaim> = {}): RotateClaim {
  return {
    sid,
    token: { jti: `${sid}-${from}`, sid, sub: 'alice', iatMs: NOW },
    presentedHash: `${sid}-${from}`,
    successorHash: `${sid}-${from + 1}`,
    nowMs: NOW + 1,
    expiresAtMs: NOW + 10_000,
    graceMs: 1_000,
    onReuse: sessionRevocation(sid),
    ...changes,
  }
}

export async function readAll(ledger: Ledger, from: Position | null = null): Promise<Revocation[]> {
  const records: Revocation[] = []
  for await (const page of ledger.read(from)) records.push(...page.records)
  return records
}

export async function lastPosition(ledger: Ledger): Promise<Position> {
  let position: Position = ''
  for await (const page of ledger.read(null)) position = page.position
  return position
}

export function idsOf(records: readonly Revocation[]): string[] {
  return records.flatMap((record) => (record.kind === 'everything' ? [] : [record.id]))
}

/** A follower that remembers what it was told, where it is and how its following ended. */
export interface TestFollower {
  readonly records: Revocation[]
  position: Position
  proofs: number
  /** Why it ended; `null` while it follows, and after an orderly end. */
  error: unknown
  isOver: boolean
  stop(): Promise<void>
}

/** Follows once, until it is stopped or breaks. */
export function followFrom(ledger: Ledger, from: Position): TestFollower {
  const ending = new AbortController()
  const follower: TestFollower = {
    records: [],
    position: from,
    proofs: 0,
    error: null,
    isOver: false,
    async stop() {
      ending.abort()
      await done
    },
  }
  const done = ledger.follow(from, sinkOf(follower), ending.signal).then(
    () => {
      follower.isOver = true
    },
    (error: unknown) => {
      follower.isOver = true
      follower.error = error
    },
  )
  return follower
}

/** Replays and follows, and begins again where it was whenever that breaks, as a replica does. */
export function followForever(ledger: Ledger): TestFollower & { readonly breaks: number } {
  const ending = new AbortController()
  const follower = {
    records: [] as Revocation[],
    position: '',
    proofs: 0,
    error: null as unknown,
    isOver: false,
    breaks: 0,
    async stop() {
      ending.abort()
      await done
    },
  }
  const once = async () => {
    for await (const page of ledger.read(follower.position === '' ? null : follower.position)) {
      follower.records.push(...page.records)
      follower.position = page.position
    }
    await ledger.follow(follower.position, sinkOf(follower), ending.signal)
  }
  const forever = async () => {
    while (!ending.signal.aborted) {
      await once().catch(async (error: unknown) => {
        follower.error = error
        follower.breaks += 1
        await new Promise((resolve) => setTimeout(resolve, 20))
      })
    }
    follower.isOver = true
  }
  const done = forever()
  return follower
}

function sinkOf(follower: Pick<TestFollower, 'records' | 'position' | 'proofs'>): FeedSink {
  return {
    now: () => performance.now(),
    records(page) {
      follower.records.push(...page.records)
      follower.position = page.position
    },
    current() {
      follower.proofs += 1
    },
  }
}
