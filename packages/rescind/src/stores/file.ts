import { resolve } from 'node:path'
import { boundedNumber } from '../base/config.ts'
import { configError } from '../base/errors.ts'
import type { Store } from '../session/sessions.ts'
import { type FileSystemLike, nodeFileSystem } from './file/file-system.ts'
import { fileLedger } from './file/ledger.ts'
import { createFileLog } from './file/log.ts'
import { createFileNames } from './file/names.ts'
import { fileSessions } from './file/sessions.ts'

export type { FileLike, FileStatus, FileSystemLike } from './file/file-system.ts'

/** How {@link fileStore} behaves. */
export interface FileStoreOptions {
  /**
   * How often, in milliseconds, a follower looks for what other processes wrote; bounds their delay.
   * @default 20
   */
  readonly pollMs?: number
  /**
   * A log of fewer bytes is not compacted; a longer one is, once more than a third of it is dead.
   * @default 4194304
   */
  readonly compactBytes?: number
  /**
   * Told what an operator should know: which bytes of the log were damaged or cut off and are skipped, and when the log
   * cannot be compacted. Never holds an id.
   */
  readonly onWarning?: (message: string) => void
  /** Stands in for the machine's files, to try what happens when they fail. */
  readonly fileSystem?: FileSystemLike
}

/**
 * Keeps ledger and sessions in an append-only log on a local disk: no database, several processes on one host. What is
 * acknowledged has been synced, so that it survives a power cut. The log is `path` with a number added; compaction
 * goes on in a file with the next number. Network file systems are not supported: they do not append atomically.
 *
 * @param path where the log is; a directory that is missing is made
 * @example
 * ```ts
 * const auth = createRescind({ store: fileStore('data/revocations'), keys })
 * ```
 */
export function fileStore(path: string, options: FileStoreOptions = {}): Store {
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw configError('path must be the path of a file')
  }
  const { pollMs = 20, compactBytes = 4 * 1024 * 1024, onWarning = () => {}, fileSystem = nodeFileSystem } = options
  boundedNumber('pollMs', pollMs, { min: 1, max: 60_000, unit: 'milliseconds' })
  boundedNumber('compactBytes', compactBytes, { min: 4_096, max: Number.MAX_SAFE_INTEGER, unit: 'bytes' })
  const names = createFileNames(resolve(path), fileSystem)
  const log = createFileLog({ names, fileSystem, compactBytes, onWarning })
  return {
    ledger: fileLedger(log, pollMs),
    sessions: fileSessions(log),
    guarantees: { durable: true, shared: true },
    close: () => log.close(),
  }
}
