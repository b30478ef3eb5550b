const schedule: (work: () => void) => void = globalThis.setImmediate ?? ((work: () => void) => setTimeout(work, 0))

/** Does the work after what the event loop has in hand: what has arrived meanwhile goes first. */
export function soon(work: () => void): void {
  schedule(work)
}

/** Lets the process end though the timer still runs. Where a timer is a number, no process waits for it. */
export function unref(timer: NodeJS.Timeout): void {
  timer.unref?.()
}
