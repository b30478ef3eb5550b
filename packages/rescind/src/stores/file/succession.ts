import type { Counts, Header } from './commands.ts'
import type { FileLike, FileSystemLike } from './file-system.ts'
import type { FileNames } from './names.ts'
import type { Place } from './records.ts'
import { placeInLog, type Seal, type Segment } from './segment.ts'
import { encodeHeader, encodeSnapshot, HEADER_BYTES } from './snapshot.ts'
import type { FileState } from './state.ts'

/** A file in the making, to follow on another. */
export interface Successor {
  readonly file: FileLike
  readonly path: string
  readonly header: Omit<Header, 'counts'>
  /** The snapshot stands for all before this byte of the file it follows on. */
  readonly upTo: number
}

const COPY_BYTES = 1024 * 1024

/** Makes the log's first file; somebody else may be faster. */
export async function makeFirst(fileSystem: FileSystemLike, names: FileNames, generation: string): Promise<void> {
  const last: Place = { at: 0, index: 0 }
  const counts: Counts = { ...last, records: 0, sessions: 0 }
  const header: Header = { rescind: 1, generation, number: 1, skip: HEADER_BYTES, from: HEADER_BYTES, last, counts }
  const path = names.temporary(1)
  const file = await fileSystem.create(path)
  await putInPlace(fileSystem, { file, path, to: names.of(1) }, async () => writeAll(file, encodeHeader(header), 0))
}

/**
 * Writes the snapshot of the state as it is when this is called, under a temporary name. The log may go on meanwhile:
 * what is added to it is copied by {@link putSuccessorInPlace}.
 */
export async function prepareSuccessor(
  fileSystem: FileSystemLike,
  names: FileNames,
  of: { segment: Segment; state: FileState; isUnwanted: () => boolean },
): Promise<Successor> {
  const { segment, state } = of
  const upTo = segment.seal?.offset ?? segment.offset
  const from = placeInLog(segment, upTo)
  const frames = encodeSnapshot(state.records.all(), state.logins.all())
  const { generation } = state
  const { last } = state.records
  const number = segment.number + 1
  const path = names.temporary(number)
  const file = await fileSystem.create(path)
  try {
    let skip = HEADER_BYTES
    for (const frame of frames) {
      if (of.isUnwanted()) throw new Error('the snapshot is not wanted any more')
      await writeAll(file, frame, skip)
      skip += frame.length
    }
    // Most of it reaches the disk before the log is sealed and its writers wait.
    await file.datasync()
    return { file, path, header: { rescind: 1, generation, number, skip, from, last }, upTo }
  } catch (error) {
    await discard(fileSystem, { file, path })
    throw error
  }
}

/**
 * Completes a successor of a sealed file and gives it its name, whole and durable; somebody else's may be there
 * already, and then it stays.
 */
export async function putSuccessorInPlace(
  fileSystem: FileSystemLike,
  names: FileNames,
  of: { segment: Segment; seal: Seal; counts: Counts; successor: Successor },
): Promise<void> {
  const { segment, seal, counts, successor } = of
  const { file, path, header, upTo } = successor
  await putInPlace(fileSystem, { file, path, to: names.of(header.number) }, async () => {
    const buffer = Buffer.allocUnsafe(Math.min(COPY_BYTES, seal.offset - upTo))
    for (let at = upTo; at < seal.offset; ) {
      const part = buffer.subarray(0, Math.min(buffer.length, seal.offset - at))
      if ((await segment.file.read(part, at)) < part.length) throw new Error(`${segment.path} has become shorter`)
      await writeAll(file, part, header.skip + at - upTo)
      at += part.length
    }
    await writeAll(file, encodeHeader({ ...header, counts }), 0)
  })
}

/** True when a process that has read a file to its seal holds what its successor's snapshot says. */
export function goesOnFrom(header: Header, { number, seal, counts }: { number: number; seal: Seal; counts: Counts }) {
  return (
    header.number === number + 1 &&
    header.from <= seal.at &&
    header.counts.at === counts.at &&
    header.counts.index === counts.index &&
    header.counts.records === counts.records &&
    header.counts.sessions === counts.sessions
  )
}

/** Gives up a successor. */
export async function discard(fileSystem: FileSystemLike, { file, path }: { file: FileLike; path: string }) {
  // Whatever fails here leaves a file that the next one to tidy up takes away.
  await file.close().catch(() => {})
  await fileSystem.unlink(path).catch(() => {})
}

/** Writes all of the bytes or fails. */
export async function writeAll(file: FileLike, bytes: Buffer, position: number | null): Promise<void> {
  const written = await file.write(bytes, position)
  if (written < bytes.length)
    throw new Error(`only ${written} of ${bytes.length} bytes were written: is the disk full?`)
}

/** A link never replaces what is there: of any number that make the same file, one wins. */
async function putInPlace(
  fileSystem: FileSystemLike,
  { file, path, to }: { file: FileLike; path: string; to: string },
  complete: () => Promise<void>,
): Promise<void> {
  try {
    await complete()
    await file.datasync()
    await fileSystem.link(path, to)
  } finally {
    await discard(fileSystem, { file, path })
  }
}
