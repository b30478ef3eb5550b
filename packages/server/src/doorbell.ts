/** Something to wait at. A ring while nobody waits is kept for the next who does. */
export interface Doorbell {
  ring(): void
  /** Resolves when it rings, when time is up, or when the signal aborts. Does not keep the process alive. */
  rung(ms: number, signal: AbortSignal): Promise<void>
}

/** Makes a doorbell for one visitor at a time. */
export function createDoorbell(): Doorbell {
  let rang = false
  let wake = () => {}
  return {
    ring() {
      rang = true
      wake()
    },
    async rung(ms, signal) {
      if (!rang && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(() => wake(), ms)
          timer.unref()
          wake = () => {
            clearTimeout(timer)
            signal.removeEventListener('abort', wake)
            resolve()
          }
          signal.addEventListener('abort', wake)
        })
      }
      rang = false
    },
  }
}
