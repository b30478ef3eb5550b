import { crc32 } from 'node:zlib'

// One line: "\n", eight digits of CRC-32, a space, JSON, "\n". JSON holds no raw newline, so whatever damage a line
// takes ends with it, and no text of a caller's can pass for a frame. The newline in front closes off what a writer
// that was killed has left unfinished.
const NEWLINE = 0x0a
const SPACE = 0x20
const CRC_DIGITS = 8
const PREFIX = CRC_DIGITS + 1

/** One frame of the log, in bytes; `body` is JSON. */
export function encodeFrame(body: string): Buffer {
  const json = escapeNonAscii(body)
  return Buffer.from(`\n${crc32(json).toString(16).padStart(CRC_DIGITS, '0')} ${json}\n`, 'latin1')
}

/** Told what is in a stretch of the log. Offsets and lengths are bytes, counted from the stretch's beginning. */
export interface LineSink {
  /** A whole frame; answers whether to read on. */
  frame(body: unknown, offset: number): boolean
  /** A line that is no frame, or no longer. */
  damaged(offset: number, length: number): void
}

/**
 * Goes through the lines of a stretch of the log and answers how many bytes it has dealt with. A line without its end
 * is left for later, but where the log ends here (`atEnd`) and the line is a whole frame already.
 */
export function readLines(bytes: Buffer, atEnd: boolean, sink: LineSink): number {
  let start = 0
  for (;;) {
    const newline = bytes.indexOf(NEWLINE, start)
    const end = newline === -1 ? bytes.length : newline
    if (newline === -1 && (!atEnd || start === end)) return start
    if (end > start) {
      const body = decodeLine(bytes, start, end)
      if (body === undefined && newline === -1) return start
      if (body === undefined) sink.damaged(start, end - start)
      else if (!sink.frame(body, start)) return Math.min(end + 1, bytes.length)
    }
    start = Math.min(end + 1, bytes.length)
  }
}

/** The frame in these bytes, or `undefined` when they are not one. */
function decodeLine(bytes: Buffer, start: number, end: number): unknown {
  if (end - start <= PREFIX || bytes[start + CRC_DIGITS] !== SPACE) return undefined
  if (readHex(bytes, start) !== crc32(bytes.subarray(start + PREFIX, end))) return undefined
  try {
    return JSON.parse(bytes.toString('latin1', start + PREFIX, end))
  } catch {
    return undefined
  }
}

/** The digits of a CRC as a number; `NaN` when one is not a digit. By hand: this runs for each line of a replay. */
function readHex(bytes: Buffer, start: number): number {
  let value = 0
  for (let at = start; at < start + CRC_DIGITS; at += 1) {
    const code = bytes[at] ?? 0
    const digit = code >= 48 && code <= 57 ? code - 48 : code >= 97 && code <= 102 ? code - 87 : Number.NaN
    value = value * 16 + digit
  }
  return value
}

// With ASCII alone a byte is a character, and reading needs no decoder.
function escapeNonAscii(json: string): string {
  return json.replace(/[\u007f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
