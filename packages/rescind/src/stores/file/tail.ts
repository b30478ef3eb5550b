import { randomUUID } from 'node:crypto'
import { RescindError } from '../../base/errors.ts'
import type { Frame } from './commands.ts'
import type { FileSystemLike } from './file-system.ts'
import type { FileNames } from './names.ts'
import { openSegment, readOn, type Segment, type SegmentSink } from './segment.ts'
import { type Applied, createFileState, type FileState } from './state.ts'
import { goesOnFrom, makeFirst, prepareSuccessor, putSuccessorInPlace, type Successor, writeAll } from './succession.ts'

/** The end of the log, and the state that this process has come to by reading up to there. */
export interface LogTail {
  /** Throws before {@link open}. */
  readonly state: FileState
  /** Throws before {@link open}. */
  readonly segment: Segment
  /** True while this file is the one in use. */
  uses(segment: Segment): boolean
  /** A sync has failed. What was written since the last good one may be gone though it can be read. */
  readonly isSuspect: boolean
  /** Finds the log or makes it; nothing when it is open. Reads nothing yet. */
  open(): Promise<void>
  /** Adds to the log's end. */
  write(bytes: Buffer): Promise<void>
  /** Reads on to the end or the seal. False when the log that was open is no more the one at its path. */
  look(): Promise<boolean>
  /** Makes sure that what was read survives a power cut, whoever wrote it. */
  sync(): Promise<void>
  /** Goes from a sealed file to the one after it, and makes that one, of what was prepared, where nobody else does. */
  advance(prepared: Successor | null): Promise<void>
  close(): Promise<void>
}

/** What a tail is made of. */
export interface LogTailParts {
  readonly names: FileNames
  readonly fileSystem: FileSystemLike
  /** This process's name in the log. */
  readonly writer: string
  /** Told of each batch that was read, and what became of its commands. */
  readonly onBatch: (by: string, batch: number, applied: readonly Applied[]) => void
  readonly onWarning: (message: string) => void
}

// How long the one that has sealed a file may take to put its successor in place before others do it as well.
const PATIENCE_MS = 100
const LOOK_AGAIN_MS = 5
/** One goes round again when a file was sealed or replaced under one's hands. This often, something else is wrong. */
export const MAX_ROUNDS = 100

/** What is said then. */
export function replacedTooOften(path: string): RescindError {
  return new RescindError('store_failed', `${path} is replaced again and again.`)
}

/** Makes a tail that is not open. */
export function createLogTail({ names, fileSystem, writer, onBatch, onWarning }: LogTailParts): LogTail {
  let current: { segment: Segment; state: FileState } | null = null
  let isSuspect = false
  // What a writer that was killed has left at the end is closed off once, so that it can be told from a write under way.
  let hasClosedOff = false

  const opened = () => {
    if (current === null) throw new Error('the log is not open')
    return current
  }

  const sink: SegmentSink = {
    frame(frame: Frame, at) {
      const { state } = opened()
      if ('do' in frame) onBatch(frame.by, frame.n, state.applyBatch(frame.do, at))
      else state.restore(frame)
    },
    damaged(offset, length) {
      onWarning(
        `the log was damaged or cut off: ${length} bytes at byte ${offset} of ${opened().segment.path} are skipped`,
      )
    },
  }

  const close = async () => {
    const { segment } = current ?? {}
    current = null
    isSuspect = false
    await segment?.file.close()
  }

  /** Goes on with the file of this number; false when it is gone. */
  const goTo = async (number: number): Promise<boolean> => {
    const path = names.of(number)
    const file = await fileSystem.openLog(path)
    if (file === null) return false
    let segment: Segment
    try {
      segment = await openSegment(file, number, path)
      // Whoever made the file may have died before its name was safe; nothing is acknowledged in it until it is.
      await fileSystem.syncDirectory(names.directory)
    } catch (error) {
      await file.close()
      throw error
    }
    const { header } = segment
    const before = current
    const seal = before?.segment.seal ?? null
    let state: FileState | null = null
    if (before !== null && seal !== null) {
      const held = { number: before.segment.number, seal, counts: before.state.counts }
      if (before.state.generation === header.generation && goesOnFrom(header, held)) {
        state = before.state
        segment.offset = header.skip + (seal.at - header.from)
        segment.syncedTo = segment.offset
      }
    }
    current = { segment, state: state ?? createFileState(header) }
    isSuspect = false
    hasClosedOff = false
    await before?.segment.file.close()
    // Old files only take room; the next one to open the log tries again.
    await names.tidy(number).catch(() => {})
    return true
  }

  return {
    get state() {
      return opened().state
    },
    get segment() {
      return opened().segment
    },
    get isSuspect() {
      return isSuspect
    },
    uses: (segment) => current?.segment === segment,
    async open() {
      if (current !== null) return
      await fileSystem.makeDirectory(names.directory)
      for (let round = 0; round < MAX_ROUNDS; round += 1) {
        const { newest } = await names.survey()
        if (newest === 0) await makeFirst(fileSystem, names, randomUUID())
        else if (await goTo(newest)) return
      }
      throw replacedTooOften(names.of(1))
    },
    write: (bytes) => writeAll(opened().segment.file, bytes, null),
    async look() {
      const { segment } = opened()
      if (segment.seal !== null) return true
      const status = await fileSystem.status(segment.path)
      const isThere = status !== null && status.identity === segment.identity
      if (isThere && status.size < segment.seenBytes) return false
      const { size } = isThere ? status : await segment.file.status()
      await readOn(segment, size, sink)
      if (!hasClosedOff && segment.seal === null) {
        hasClosedOff = true
        if (segment.seenBytes > segment.offset) {
          // On a full disk it stays for the next writer.
          await writeAll(segment.file, Buffer.from('\n'), null).catch(() => {})
          await readOn(segment, segment.seenBytes + 1, sink)
        }
      }
      return isThere || segment.seal !== null
    },
    async sync() {
      const { segment } = opened()
      if (segment.syncedTo >= segment.offset) return
      const { offset } = segment
      try {
        await segment.file.datasync()
      } catch (error) {
        // The system may now take what it has lost for written, so that a later sync would prove nothing.
        isSuspect = true
        throw error
      }
      segment.syncedTo = offset
    },
    async advance(prepared) {
      const { segment, state } = opened()
      const { seal } = segment
      if (seal === null) throw new Error('the log is not sealed')
      let ready = prepared
      for (let round = 0; round < MAX_ROUNDS; round += 1) {
        const { newest } = await names.survey()
        if (newest > segment.number) {
          if (await goTo(newest)) return
        } else if (seal.by === writer || round * LOOK_AGAIN_MS >= PATIENCE_MS) {
          const isUnwanted = () => false
          const successor = ready ?? (await prepareSuccessor(fileSystem, names, { segment, state, isUnwanted }))
          ready = null
          await putSuccessorInPlace(fileSystem, names, { segment, seal, counts: state.counts, successor })
        } else {
          await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
        }
      }
      throw replacedTooOften(segment.path)
    },
    close,
  }
}
