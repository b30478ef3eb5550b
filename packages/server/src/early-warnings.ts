import type { Warn } from './backends.ts'

/** Warnings, kept for as long as there is no log: the library warns of a weak key before there is one. */
export interface EarlyWarnings {
  readonly warn: Warn
  /** Sends what was kept to the log, and from now on everything. */
  sendTo(log: Warn): void
}

/** Keeps warnings until they can be sent. */
export function createEarlyWarnings(): EarlyWarnings {
  const kept: string[] = []
  let send: Warn = (message) => {
    kept.push(message)
  }
  return {
    warn: (message) => send(message),
    sendTo(log) {
      send = log
      for (const message of kept.splice(0)) log(message)
    },
  }
}
