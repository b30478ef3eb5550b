import { RescindError } from './errors.ts'
import { soon } from './timers.ts'

/** How many wishes share a write, and how many may wait for one. */
export interface GroupCommitLimits {
  /** The most that one write takes. */
  readonly batch: number
  /** The most that wait or are being written; one more is refused with `revocation_unavailable`. */
  readonly queue: number
}

/** Wishes of callers at once, written together. */
export interface GroupCommit<Wish, Answer> {
  /** Resolves with this wish's own answer once the write that carried it is done. */
  write(wish: Wish): Promise<Answer>
  /** Those that wait or are being written. */
  readonly pending: number
}

/** A batch, a commit, a round trip: 512 rows are written in a few milliseconds by every store. */
const GROUP_COMMIT_LIMITS: GroupCommitLimits = { batch: 512, queue: 16_384 }

interface Waiting<Wish, Answer> {
  readonly wish: Wish
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: unknown) => void
}

/**
 * Turns a verb that takes many wishes at one cost into one that callers use one by one. While a write is under way, what
 * arrives gathers for the next: under load a store commits once per write, not once per caller, and alone a caller
 * waits for no one. When a write fails, so do all whose wishes it carried.
 */
export function createGroupCommit<Wish, Answer>(
  writeAll: (wishes: readonly Wish[]) => Promise<readonly Answer[]>,
  limits: GroupCommitLimits = GROUP_COMMIT_LIMITS,
): GroupCommit<Wish, Answer> {
  let waiting: Waiting<Wish, Answer>[] = []
  let underWay = 0
  let scheduled = false

  const writeNext = async () => {
    const group = waiting.length <= limits.batch ? waiting : waiting.slice(0, limits.batch)
    waiting = waiting.slice(group.length)
    underWay = group.length
    try {
      const answers = await writeAll(group.map(({ wish }) => wish))
      for (const [at, { resolve, reject }] of group.entries()) {
        const answer = answers[at]
        if (answer === undefined) reject(new RescindError('store_failed', 'The store left a wish unanswered.'))
        else resolve(answer)
      }
    } catch (error) {
      for (const { reject } of group) reject(error)
    }
    underWay = 0
    scheduled = false
    schedule()
  }

  // After what the event loop has in hand: requests that were read from their sockets together share a write even when
  // the store is synchronous, and so never has one under way while others arrive.
  const schedule = () => {
    if (scheduled || waiting.length === 0) return
    scheduled = true
    soon(writeNext)
  }

  return {
    write(wish) {
      if (waiting.length + underWay >= limits.queue) {
        return Promise.reject(
          new RescindError('revocation_unavailable', 'Too many changes wait for the store: try again.'),
        )
      }
      return new Promise((resolve, reject) => {
        waiting.push({ wish, resolve, reject })
        schedule()
      })
    },
    get pending() {
      return waiting.length + underWay
    },
  }
}
