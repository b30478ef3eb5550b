import type { SessionState } from '../shared/rotation.ts'
import type { Frame, Header } from './commands.ts'
import { encodeFrame } from './frame.ts'
import type { Entry } from './records.ts'
import { recordRow, sessionRow } from './rows.ts'

const HEADER_TEXT_BYTES = 320
// Twice, so that a damaged byte does not cost the whole log.
const HEADER_COPIES = 2
const PER_FRAME = 1_000

/** The beginning of a file: always of the same length, so that it can be written when the rest is known. */
export function encodeHeader(header: Header): Buffer {
  const frame = encodeFrame(JSON.stringify(header).padEnd(HEADER_TEXT_BYTES))
  return Buffer.concat(Array.from({ length: HEADER_COPIES }, () => frame))
}

/** Where a file's snapshot begins. */
export const HEADER_BYTES = encodeFrame(' '.repeat(HEADER_TEXT_BYTES)).length * HEADER_COPIES

/** True for the frame that begins a file of this format. */
export function isHeader(frame: Frame): frame is Header {
  return 'rescind' in frame && frame.rescind === 1
}

/** The frames of a snapshot, one after the other, so that writing them leaves room for other work. */
export function* encodeSnapshot(entries: readonly Entry[], sessions: readonly SessionState[]): Generator<Buffer> {
  for (let from = 0; from < entries.length; from += PER_FRAME) {
    const some = entries.slice(from, from + PER_FRAME)
    const frame: Frame = {
      records: some.map((entry) => recordRow(entry.record)),
      places: some.flatMap((entry) => [entry.at, entry.index]),
    }
    yield encodeFrame(JSON.stringify(frame))
  }
  for (let from = 0; from < sessions.length; from += PER_FRAME) {
    const frame: Frame = { sessions: sessions.slice(from, from + PER_FRAME).map(sessionRow) }
    yield encodeFrame(JSON.stringify(frame))
  }
}
