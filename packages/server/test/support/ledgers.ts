import { setTimeout as wait } from 'node:timers/promises'
import type { FeedSink, Ledger, Page } from 'rescind'

/** A ledger whose followers the test directs. */
export interface DirectedLedger {
  readonly ledger: Ledger
  /** Proves to every follower that it is current; nothing else does. */
  prove(): void
  /** How many follow. */
  following(): number
  /** Ends whoever follows with an error, and refuses new followers for as long as it is `true`. */
  breakDown(broken: boolean): void
  /** From now on another ledger is behind it. */
  replaceBy(other: Ledger): void
}

/** Directs the followers of a ledger. */
export function directed(first: Ledger): DirectedLedger {
  const followers = new Set<{ sink: FeedSink; fail: (error: Error) => void }>()
  let behind = first
  let broken = false
  const ledger: Ledger = {
    append: (records) => behind.append(records),
    read: (from) => behind.read(from),
    find: (ids, nowMs) => behind.find(ids, nowMs),
    prune: (nowMs, limit) => behind.prune(nowMs, limit),
    generation: () => behind.generation(),
    async follow(from, sink, signal) {
      if (broken) throw new Error('the ledger is down')
      let fail = (_error: Error): void => {}
      const failed = new Promise<never>((_, reject) => {
        fail = reject
      })
      const follower = { sink, fail }
      followers.add(follower)
      try {
        await Promise.race([behind.follow(from, { ...sink, current: () => {} }, signal), failed])
      } finally {
        followers.delete(follower)
      }
    },
  }
  return {
    ledger,
    prove() {
      for (const { sink } of followers) sink.current(sink.now())
    },
    following: () => followers.size,
    breakDown(now) {
      broken = now
      if (now) for (const { fail } of followers) fail(new Error('the ledger went down'))
    },
    replaceBy(other) {
      behind = other
    },
  }
}

/** The same ledger, further away: what is read, and what is followed, arrives after a few milliseconds, in order. */
export function lagging(ledger: Ledger, maxDelayMs: number): Ledger {
  const lag = () => wait(Math.random() * maxDelayMs)
  return {
    ...ledger,
    async *read(from) {
      await lag()
      for await (const page of ledger.read(from)) {
        await lag()
        yield page
      }
    },
    follow(from, sink, signal) {
      let delivered = Promise.resolve()
      const later = (deliver: () => void) => {
        delivered = delivered.then(lag).then(deliver)
      }
      const slowly: FeedSink = {
        now: sink.now,
        records: (page: Page) => later(() => sink.records(page)),
        current: (askedAt) => later(() => sink.current(askedAt)),
      }
      return ledger.follow(from, slowly, signal)
    },
  }
}
