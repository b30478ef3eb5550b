import type { Position } from 'rescind'

/** What a hub hands to each stream. */
export type Delivery =
  | { readonly kind: 'page'; readonly events: readonly string[]; readonly position: Position }
  /** Everything acknowledged before this monotonic time is in the pages before it. */
  | { readonly kind: 'proof'; readonly askedAt: number }

/** What one stream has been handed and has not sent yet: in order, and never more than so much. */
export interface Subscription {
  put(delivery: Delivery): void
  /** Begins to gather, and forgets what was gathered. */
  gather(): void
  /** Says that something may be missing from what was gathered: the next delivery is `behind`. */
  miss(): void
  /**
   * The next delivery; `behind` when not all could be gathered, so that the ledger has to be read again from the last
   * place sent; `over` when the stream is to end.
   */
  next(): Promise<Delivery | 'behind' | 'over'>
  isOver(): boolean
  close(): void
}

// The texts are shared by all streams, so a thousand of them that lag hold this much once, not a thousand times.
const MAX_CHARACTERS = 1_048_576

/** Makes an empty subscription that gathers nothing yet. */
export function createSubscription(onClose: () => void): Subscription {
  let state: 'idle' | 'gathering' | 'behind' | 'over' = 'idle'
  let queue: Delivery[] = []
  let characters = 0
  let wake = () => {}

  const empty = () => {
    queue = []
    characters = 0
  }
  const miss = () => {
    if (state !== 'gathering') return
    state = 'behind'
    empty()
    wake()
  }
  return {
    put(delivery) {
      if (state !== 'gathering') return
      characters += lengthOf(delivery)
      if (characters > MAX_CHARACTERS) return miss()
      if (delivery.kind === 'proof' && queue.at(-1)?.kind === 'proof') {
        queue[queue.length - 1] = delivery
      } else {
        queue.push(delivery)
      }
      wake()
    },
    gather() {
      if (state === 'over') return
      state = 'gathering'
      empty()
    },
    miss,
    async next() {
      while (state === 'gathering' && queue.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      if (state === 'over' || state === 'behind') return state
      const delivery = queue.shift()
      if (delivery === undefined) return 'over'
      characters -= lengthOf(delivery)
      return delivery
    },
    isOver: () => state === 'over',
    close() {
      if (state === 'over') return
      state = 'over'
      empty()
      wake()
      onClose()
    },
  }
}

function lengthOf(delivery: Delivery): number {
  return delivery.kind === 'proof' ? 0 : delivery.events.reduce((sum, event) => sum + event.length, 0)
}
