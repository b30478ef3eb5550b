/** A queue whose first item is always the one that comes before all others. */
export interface ExpiryQueue<T> {
  add(item: T): void
  first(): T | undefined
  removeFirst(): void
}

/** Makes an empty queue: a binary heap. Deadlines mostly come in order, and then adding is one comparison. */
export function createExpiryQueue<T>(isBefore: (a: T, b: T) => boolean): ExpiryQueue<T> {
  const heap: T[] = []

  /** Moves the item at `at` towards the root to where it belongs. */
  const rise = (item: T, at: number) => {
    let child = at
    while (child > 0) {
      const parent = (child - 1) >> 1
      const above = heap[parent]
      if (above === undefined || !isBefore(item, above)) break
      heap[child] = above
      child = parent
    }
    heap[child] = item
  }

  /** Puts the item in place of the root and moves it away from there to where it belongs. */
  const sink = (item: T) => {
    let parent = 0
    for (;;) {
      let child = 2 * parent + 1
      let below = heap[child]
      if (below === undefined) break
      const other = heap[child + 1]
      if (other !== undefined && isBefore(other, below)) {
        child += 1
        below = other
      }
      if (!isBefore(below, item)) break
      heap[parent] = below
      parent = child
    }
    heap[parent] = item
  }

  return {
    add(item) {
      heap.push(item)
      rise(item, heap.length - 1)
    },
    first: () => heap[0],
    removeFirst() {
      const last = heap.pop()
      if (last !== undefined && heap.length > 0) sink(last)
    },
  }
}
