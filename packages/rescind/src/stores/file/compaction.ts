import type { FileSystemLike } from './file-system.ts'
import type { FileNames } from './names.ts'
import { discard, prepareSuccessor, type Successor } from './succession.ts'
import type { LogTail } from './tail.ts'

/** Keeps the log from growing: makes the next file while this one is in use. */
export interface Compaction {
  /** True when a successor waits to be taken. */
  readonly isReady: boolean
  /** Begins where the log has grown enough. */
  consider(): void
  /** Hands over the successor, if there is one; the caller discards it in the end, used or not. */
  take(): Successor | null
  stop(): Promise<void>
}

/** What a compaction is made of. */
export interface CompactionParts {
  readonly names: FileNames
  readonly fileSystem: FileSystemLike
  readonly tail: LogTail
  /** A log shorter than this is left alone. */
  readonly compactBytes: number
  readonly onWarning: (message: string) => void
  readonly onReady: () => void
}

// How many times as long as its snapshot the log may be. Also bounds how long a replay takes.
const MAX_SIZE = 1.5

/** Makes a compaction that does nothing yet. */
export function createCompaction(parts: CompactionParts): Compaction {
  const { names, fileSystem, tail, compactBytes, onWarning, onReady } = parts
  let making: Promise<void> | null = null
  let ready: Successor | null = null
  let isStopped = false
  /** The file with this number is left alone until it is this long. */
  let postponed = { number: 0, bytes: 0 }

  const make = async (dueBytes: number) => {
    const { segment } = tail
    const number = segment.number + 1
    const isUnwanted = () => isStopped || !tail.uses(segment)
    try {
      const { inTheMaking } = await names.survey()
      if (inTheMaking.includes(number) && segment.offset < 2 * dueBytes) {
        // Another process is at it, or has died of it; it has had its time when the log is twice as long.
        postponed = { number: segment.number, bytes: 2 * dueBytes }
        return
      }
      if (isUnwanted()) return
      const successor = await prepareSuccessor(fileSystem, names, { segment, state: tail.state, isUnwanted })
      if (isUnwanted()) return await discard(fileSystem, successor)
      ready = successor
      onReady()
    } catch (error) {
      if (isUnwanted()) return
      postponed = { number: segment.number, bytes: segment.offset + compactBytes }
      const reason = error instanceof Error ? error.message : 'unknown'
      onWarning(`the log could not be compacted and goes on as it is: ${reason}`)
    }
  }

  return {
    get isReady() {
      return ready !== null
    },
    consider() {
      if (making !== null || ready !== null || isStopped || tail.isSuspect) return
      const { segment, state } = tail
      const dueBytes = Math.max(compactBytes, MAX_SIZE * state.bytes)
      const isPostponed = postponed.number === segment.number && segment.offset < postponed.bytes
      if (segment.seal !== null || segment.offset < dueBytes || isPostponed) return
      making = make(dueBytes).finally(() => {
        making = null
      })
    },
    take() {
      const successor = ready
      ready = null
      return successor
    },
    async stop() {
      isStopped = true
      await making
      if (ready !== null) await discard(fileSystem, ready)
      ready = null
    },
  }
}
