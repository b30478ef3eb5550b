import type { FeedSink, Ledger, Position, Revocation } from 'rescind'

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
