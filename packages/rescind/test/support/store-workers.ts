import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { eventually } from 'rescind/testing'

const script = join(import.meta.dirname, '../faults/store-worker.mjs')

/** A process that uses a store; see store-worker.mjs. */
export interface StoreWorker {
  readonly child: ChildProcess
  /** What it has printed, line by line; a line that was cut off is left out. */
  lines(): string[]
  /** Resolves when it has printed this line. */
  printed(line: string): Promise<void>
  /** Lets it go on. */
  tell(): void
  /** Resolves when it has ended and all it printed is here: with its exit code, or the signal it died of. */
  readonly ended: Promise<number | string | null>
}

/** Starts a process. `kind` is `file` or `sqlite`; the other arguments are the script's. */
export function startStoreWorker(kind: string, path: string, task: string, ...rest: string[]): StoreWorker {
  const child = spawn(process.execPath, [script, kind, path, task, ...rest], { stdio: ['pipe', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  // A process that was killed does not read what it is told.
  child.stdin.on('error', () => {})
  let hasEnded = false
  const ended = once(child, 'close').then(([code, signal]: unknown[]) => {
    hasEnded = true
    return (code ?? signal) as number | string | null
  })
  return {
    child,
    lines: () => output.split('\n').slice(0, -1),
    printed: (line) =>
      eventually(() => {
        if (hasEnded && !output.includes(`${line}\n`)) throw new Error(`the process ended before it printed ${line}`)
        return output.includes(`${line}\n`)
      }, 60_000),
    tell() {
      child.stdin.write('\n')
    },
    ended,
  }
}
