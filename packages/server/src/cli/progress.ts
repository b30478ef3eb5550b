import type { Terminal } from './terminal.ts'

/** How far long work has come, for the person who waits. */
export interface Progress {
  /** So many are done; `share` of it all, from 0 to 1, where that is known. */
  at(done: number, share?: number): void
  /** Takes the bar away. */
  end(): void
}

const INTERVAL_MS = 100
const BAR_WIDTH = 24

/** A line that is drawn over and over, on standard error and only on a terminal. */
export function showProgress({ stderr }: Terminal, label: string): Progress {
  if (stderr.isTTY !== true) return { at() {}, end() {} }
  let drawnAt = Number.NEGATIVE_INFINITY
  const clear = '\r\u001b[K'
  return {
    at(done, share) {
      const now = performance.now()
      if (now - drawnAt < INTERVAL_MS) return
      drawnAt = now
      stderr.write(`${clear}${label} ${share === undefined ? '' : bar(share)}${done.toLocaleString('en-US')}`)
    },
    end() {
      if (drawnAt > Number.NEGATIVE_INFINITY) stderr.write(clear)
    },
  }
}

function bar(share: number): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * BAR_WIDTH)
  return `[${'#'.repeat(full)}${'-'.repeat(BAR_WIDTH - full)}] ${Math.round(share * 100)} %  `
}
