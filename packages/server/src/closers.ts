import type { Warn } from './backends.ts'
import { describeFailure } from './storage-failure.ts'

/** What was opened, to be closed the other way round: what came later may still need what came before. */
export interface Closers {
  /** To be called as soon as something is open; `name` is what the log calls it. */
  add(name: string, close: () => void | Promise<void>): void
  /** The same for what closes several things by closers of its own, which tell by name what failed. */
  include(close: () => Promise<void>): void
  /**
   * Closes all of it, whatever fails: a connection must not stay open because a mail server was rude. Each failure is
   * told as a warning; the first one rejects, once all else is closed. A second call waits for the first.
   */
  close(): Promise<void>
}

/**
 * Keeps what is to be closed.
 *
 * @internal for the tests: others open by {@link openingAll}
 */
export function createClosers(onWarning: Warn): Closers {
  const open: { readonly name: string | null; readonly close: () => void | Promise<void> }[] = []
  const closeAll = async (): Promise<void> => {
    const failures: unknown[] = []
    for (let last = open.pop(); last !== undefined; last = open.pop()) {
      try {
        await last.close()
      } catch (error) {
        failures.push(error)
        if (last.name !== null) onWarning(`${last.name} could not be closed: ${describeFailure(error).message}`)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
  let closing: Promise<void> | null = null
  return {
    add(name, close) {
      open.push({ name, close })
    },
    include(close) {
      open.push({ name: null, close })
    },
    close() {
      closing ??= closeAll()
      return closing
    },
  }
}

/** Opens several things. Where that fails half-way, what is open is closed first, and the failure is that of opening. */
export async function openingAll<T>(onWarning: Warn, open: (closers: Closers) => Promise<T>): Promise<T> {
  const closers = createClosers(onWarning)
  try {
    return await open(closers)
  } catch (error) {
    // What fails here was told, and is not why.
    await closers.close().catch(() => {})
    throw error
  }
}
