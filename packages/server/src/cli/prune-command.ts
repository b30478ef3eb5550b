import { systemClock } from 'rescind'
import { defineCommand, json } from './command.ts'
import { printOne } from './printing.ts'
import { showProgress } from './progress.ts'
import { withStores } from './stores.ts'
import type { Terminal } from './terminal.ts'

// So many at a time: a running service writes in between.
const PIECE = 500

/** `rescind prune`: forgets what is over. */
export const prune = defineCommand({
  name: 'prune',
  summary: 'forget expired revocations and sessions now',
  about: `
A running service forgets them by itself, every ten seconds. This does it at once, as after a long stop or before a
backup, and tells how many there were. Only what has expired goes: no revocation that a living token could meet.`,
  options: json,
  examples: ['prune'],
  async run({ values }, terminal) {
    const pruned = await withStores(terminal, async ({ backends: { store } }) => ({
      revocations: await forget(terminal, 'revocations', (nowMs) => store.ledger.prune(nowMs, PIECE)),
      sessions: await forget(terminal, 'sessions', (nowMs) => store.sessions.sweep(nowMs, PIECE)),
    }))
    printOne(terminal, values.json, pruned)
  },
})

async function forget(terminal: Terminal, label: string, piece: (nowMs: number) => Promise<number>): Promise<number> {
  const nowMs = systemClock.now()
  const progress = showProgress(terminal, label)
  try {
    let total = 0
    for (let gone = await piece(nowMs); gone > 0; gone = await piece(nowMs)) {
      total += gone
      progress.at(total)
    }
    return total
  } finally {
    progress.end()
  }
}
