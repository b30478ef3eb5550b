/** One line of a file; `null` where it is too long or no UTF-8. */
export interface Line {
  /** The first is 1. */
  readonly number: number
  readonly text: string | null
  /** How many bytes were read up to its end. */
  readonly bytesRead: number
}

const NEWLINE = 0x0a

/** The lines of a stream, one by one: neither a huge file nor a huge line is ever in memory. */
export async function* linesOf(stream: AsyncIterable<Buffer | string>, maxLineBytes: number): AsyncGenerator<Line> {
  let parts: Buffer[] = []
  let length = 0
  let number = 1
  let bytesRead = 0
  const take = (bytes: Buffer) => {
    length += bytes.length
    bytesRead += bytes.length
    if (length <= maxLineBytes) parts.push(bytes)
    else parts = []
  }
  const line = (): Line => {
    const text = length > maxLineBytes ? null : decoded(Buffer.concat(parts))
    parts = []
    length = 0
    return { number: number++, text, bytesRead }
  }
  for await (const chunk of stream) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    let from = 0
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
      take(bytes.subarray(from, end))
      from = end + 1
      bytesRead += 1
      yield line()
    }
    take(bytes.subarray(from))
  }
  if (length > 0) yield line()
}

/** The text of a line, without a mark of its encoding; `null` where it is none. */
function decoded(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}
