/** One server-sent event (WHATWG HTML, §9.2). */
export interface ServerSentEvent {
  readonly event: string
  readonly data: string
  /** The id that this event carries itself, `undefined` where it carries none: it is not passed on to later ones. */
  readonly id: string | undefined
}

/** Reads events out of bytes that come in pieces of any size. */
export interface EventParser {
  /** The events that this piece completes. Throws for bytes that are not UTF-8 and for an event that is too long. */
  push(bytes: Uint8Array): ServerSentEvent[]
}

const LINE_END = /\r\n|\r|\n/g
const DEFAULT_EVENT = 'message'

/**
 * Makes a parser of one stream. An event that the stream breaks off in is never delivered.
 *
 * @param maxLength the most characters that one event, or one line, may have
 */
export function createEventParser(maxLength: number): EventParser {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let unfinished = ''
  let endedWithCr = false
  let name = ''
  let id: string | undefined
  let data: string[] = []
  let length = 0

  const checkLength = (characters: number) => {
    if (characters > maxLength) throw new Error(`the stream holds an event of more than ${maxLength} characters`)
  }

  const takeField = (line: string) => {
    const colon = line.indexOf(':')
    if (colon === 0) return
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'data') data.push(value)
    else if (field === 'event') name = value
    else if (field === 'id' && !value.includes('\0')) id = value
  }

  const takeLine = (line: string): ServerSentEvent | null => {
    if (line !== '') {
      length += line.length
      checkLength(length)
      takeField(line)
      return null
    }
    const event = data.length === 0 ? null : { event: name === '' ? DEFAULT_EVENT : name, data: data.join('\n'), id }
    name = ''
    id = undefined
    data = []
    length = 0
    return event
  }

  return {
    push(bytes) {
      const piece = decoder.decode(bytes, { stream: true })
      if (piece === '') return []
      // The other half of a line end whose first half came with the piece before.
      const text = endedWithCr && piece.startsWith('\n') ? piece.slice(1) : piece
      endedWithCr = piece.endsWith('\r')
      const events: ServerSentEvent[] = []
      let start = 0
      for (const end of text.matchAll(LINE_END)) {
        const event = takeLine(unfinished + text.slice(start, end.index))
        if (event !== null) events.push(event)
        unfinished = ''
        start = end.index + end[0].length
      }
      unfinished += text.slice(start)
      checkLength(length + unfinished.length)
      return events
    },
  }
}
