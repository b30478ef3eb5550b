/**
 * What Python's `json.loads` says of a text that it cannot read, to the letter; `null` for one that it can.
 *
 * Only the complaint is made here. What a token says is read by the library's own strict parser.
 */
export function pythonJsonFault(bytes: Buffer): string | null {
  const utf8 = pythonUtf8Fault(bytes)
  if (utf8 !== null) return utf8
  const text = bytes.toString('utf8').replace(/^\ufeff/, '')
  try {
    const end = skipSpace(text, endOfValue(text, skipSpace(text, 0), 0))
    return end === text.length ? null : describe(text, 'Extra data', end)
  } catch (fault) {
    if (fault instanceof Fault) return describe(text, fault.message, fault.at)
    if (fault instanceof RangeError) return null
    throw fault
  }
}

/** Deeper nesting is for the strict parser to refuse: Python has no words for it, only a RecursionError. */
const MAX_DEPTH = 200
const SPACE = /[ \t\n\r]*/y
const WORD = /null|true|false|NaN|-?Infinity|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const ESCAPE = /["\\/bfnrt]/y
/** Python wants the four digits of an escape to be followed by something. */
const HEX_ESCAPE = /u[0-9a-fA-F]{4}(?=[\s\S])/y

class Fault extends Error {
  readonly at: number
  constructor(message: string, at: number) {
    super(message)
    this.at = at
  }
}

/** Python counts characters where JavaScript counts UTF-16 units. */
function describe(text: string, message: string, at: number): string {
  const before = Array.from(text.slice(0, at))
  const line = before.filter((char) => char === '\n').length + 1
  return `${message}: line ${line} column ${before.length - before.lastIndexOf('\n')} (char ${before.length})`
}

/** Where a match at `at` ends; `at` itself for none. */
function endOf(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : at
}

function skipSpace(text: string, from: number): number {
  return endOf(SPACE, text, from)
}

function endOfValue(text: string, at: number, depth: number): number {
  if (depth > MAX_DEPTH) throw new RangeError('nested too deep')
  const char = text[at]
  if (char === '"') return endOfString(text, at)
  if (char === '{') return endOfList(text, at, { close: '}', item: (from) => endOfMember(text, from, depth) })
  if (char === '[') return endOfList(text, at, { close: ']', item: (from) => endOfValue(text, from, depth + 1) })
  const end = endOf(WORD, text, at)
  if (end === at) throw new Fault('Expecting value', at)
  return end
}

function endOfList(
  text: string,
  open: number,
  { close, item }: { close: string; item: (from: number) => number },
): number {
  let at = skipSpace(text, open + 1)
  if (text[at] === close) return at + 1
  for (;;) {
    at = skipSpace(text, item(at))
    if (text[at] === close) return at + 1
    if (text[at] !== ',') throw new Fault("Expecting ',' delimiter", at)
    at = skipSpace(text, at + 1)
  }
}

function endOfMember(text: string, from: number, depth: number): number {
  if (text[from] !== '"') throw new Fault('Expecting property name enclosed in double quotes', from)
  const colon = skipSpace(text, endOfString(text, from))
  if (text[colon] !== ':') throw new Fault("Expecting ':' delimiter", colon)
  return endOfValue(text, skipSpace(text, colon + 1), depth + 1)
}

function endOfString(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at += 1) {
    const char = text.charAt(at)
    if (char === '"') return at + 1
    if (char < ' ') throw new Fault('Invalid control character at', at)
    if (char !== '\\') continue
    const escaped = at + 1
    if (escaped === text.length) break
    const end = text[escaped] === 'u' ? endOf(HEX_ESCAPE, text, escaped) : endOf(ESCAPE, text, escaped)
    if (end === escaped) {
      throw text[escaped] === 'u' ? new Fault('Invalid \\uXXXX escape', escaped) : new Fault('Invalid \\escape', at)
    }
    at = end - 1
  }
  throw new Fault('Unterminated string starting at', open)
}

/** What Python says of bytes that are not UTF-8, where it lets lone surrogates pass; `null` where it has no complaint. */
function pythonUtf8Fault(bytes: Buffer): string | null {
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes, at)
    if (length > 0) at += length
    else return describeBytes(bytes, at, -length)
  }
  return null
}

/** Bytes of the sequence at `at`; negative for the length of a broken one, `-Infinity` for one that is cut off. */
function sequenceLength(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0
  if (first < 0x80) return 1
  if (first < 0xc2 || first > 0xf4) return -1
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  // A surrogate, which Python's JSON lets pass when it is whole.
  if (first === 0xed && (bytes[at + 1] ?? 0) >= 0xa0)
    return isContinuation(bytes[at + 1]) && isContinuation(bytes[at + 2]) ? 3 : -1
  for (let index = 1; index < length; index += 1) {
    const next = bytes[at + index]
    if (next === undefined) return Number.NEGATIVE_INFINITY
    const [low, high] = index === 1 ? secondByteRange(first) : [0x80, 0xbf]
    if (next < low || next > high) return -index
  }
  return length
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x80 && byte <= 0xbf
}

/** The Unicode Standard, table 3-7. */
function secondByteRange(first: number): [number, number] {
  if (first === 0xe0) return [0xa0, 0xbf]
  if (first === 0xf0) return [0x90, 0xbf]
  return first === 0xf4 ? [0x80, 0x8f] : [0x80, 0xbf]
}

function describeBytes(bytes: Buffer, at: number, length: number): string {
  const cutOff = length === Number.POSITIVE_INFINITY
  const end = cutOff ? bytes.length : at + length
  const first = bytes[at] ?? 0
  const what =
    end - at === 1
      ? `byte 0x${first.toString(16).padStart(2, '0')} in position ${at}`
      : `bytes in position ${at}-${end - 1}`
  const isStart = first >= 0xc2 && first <= 0xf4
  const why = cutOff ? 'unexpected end of data' : isStart ? 'invalid continuation byte' : 'invalid start byte'
  return `'utf-8' codec can't decode ${what}: ${why}`
}
