import { RescindError } from '../../base/errors.ts'
import type { Frame, Header } from './commands.ts'
import type { FileLike } from './file-system.ts'
import { readLines } from './frame.ts'
import { HEADER_BYTES, isHeader } from './snapshot.ts'

/** The end of a file of the log. */
export interface Seal {
  /** The writer that sealed it. */
  readonly by: string
  /** Where in the file the seal is. */
  readonly offset: number
  /** Where in the whole log it is. */
  readonly at: number
}

/** One file of the log, and how far this process has come in it. */
export interface Segment {
  readonly number: number
  readonly path: string
  readonly file: FileLike
  readonly identity: string
  readonly header: Header
  /** All before this byte has been read. */
  offset: number
  /** All before this byte survives a power cut. */
  syncedTo: number
  /** How long the file was when it was last read to its end. */
  seenBytes: number
  seal: Seal | null
  buffer: Buffer
}

/** Told what a file holds. */
export interface SegmentSink {
  /** A frame that begins at this byte of the whole log. */
  frame(frame: Frame, at: number): void
  /** Bytes of the file that are no frame, or no longer. */
  damaged(offset: number, length: number): void
}

const FIRST_READ_BYTES = 64 * 1024
const MAX_READ_BYTES = 2 * 1024 * 1024

/** Makes a segment of an open file, read up to the end of its header. Rejects when it is not one of this format. */
export async function openSegment(file: FileLike, number: number, path: string): Promise<Segment> {
  const start = Buffer.alloc(HEADER_BYTES)
  const got = await file.read(start, 0)
  const headers: Header[] = []
  readLines(start.subarray(0, got), false, {
    frame(body) {
      if (isHeader(body as Frame)) headers.push(body as Header)
      return true
    },
    damaged() {},
  })
  const [header] = headers
  if (header === undefined || header.number !== number) {
    throw new RescindError('store_failed', `${path} is not a log of this store, or its beginning is damaged.`)
  }
  const { identity } = await file.status()
  const buffer = Buffer.allocUnsafe(FIRST_READ_BYTES)
  const unread = { offset: HEADER_BYTES, syncedTo: 0, seenBytes: 0, seal: null, buffer }
  return { number, path, file, identity, header, ...unread }
}

/** The byte of the whole log that a byte of the file is. */
export function placeInLog({ header }: Segment, offset: number): number {
  return header.from + (offset - header.skip)
}

/** Reads on to the file's seal, or at least to this byte of it. */
export async function readOn(segment: Segment, size: number, sink: SegmentSink): Promise<void> {
  while (segment.seal === null && segment.seenBytes < size) {
    const { buffer, offset } = segment
    const got = await segment.file.read(buffer, offset)
    const used = readLines(buffer.subarray(0, got), offset + got >= size, {
      frame(body, at) {
        const frame = body as Frame
        if ('seal' in frame) {
          segment.seal = { by: frame.seal, offset: offset + at, at: placeInLog(segment, offset + at) }
          return false
        }
        sink.frame(frame, placeInLog(segment, offset + at))
        return true
      },
      damaged: (at, length) => sink.damaged(offset + at, length),
    })
    segment.offset = offset + used
    segment.seenBytes = offset + got
    if (got < buffer.length && used === 0) return
    // A replay goes faster in big steps; and a line may be longer than the buffer.
    const isShort = used === 0 || buffer.length < MAX_READ_BYTES
    if (got === buffer.length && isShort) segment.buffer = Buffer.allocUnsafe(buffer.length * 2)
  }
}
