import type { IncomingMessage, ServerResponse } from 'node:http'
import { RescindError } from '../../base/errors.ts'
import type { RequestView } from '../../web/request.ts'
import { type Answer, problemAnswer } from '../../web/respond.ts'

/** What has the body once it is parsed; the intersection takes types that do not name it. */
type Parsed = object & { readonly body?: unknown }

/** A Node request as a guard reads it, whichever framework is around it. */
export class NodeView implements RequestView {
  readonly url: string
  readonly #message: IncomingMessage
  readonly #parsed: Parsed

  /** `url` as the client sent it, before any router cut it. */
  constructor(message: IncomingMessage, url: string | undefined, parsed: Parsed) {
    this.url = url ?? ''
    this.#message = message
    this.#parsed = parsed
  }

  get method(): string {
    return this.#message.method ?? ''
  }

  /** Node keeps the first of some headers and joins others; a guard must see each, to refuse a request with two tokens. */
  header(name: string): string | readonly string[] | undefined {
    const value = this.#message.headers[name]
    // Cookies are joined without loss, and HTTP/2 splits them as it likes (RFC 9113 §8.2.3).
    if (value === undefined || name === 'cookie') return value
    const { rawHeaders } = this.#message
    let first: string | undefined
    let all: string[] | undefined
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const field = rawHeaders[at]
      if (field?.length !== name.length || field.toLowerCase() !== name) continue
      const text = rawHeaders[at + 1] ?? ''
      if (first === undefined) first = text
      else if (all === undefined) all = [first, text]
      else all.push(text)
    }
    return all ?? value
  }

  body(): unknown {
    return this.#parsed.body
  }
}

/** Writes an answer, beside the headers that the response has already; nothing where it has been sent meanwhile. */
export function writeAnswer(response: ServerResponse, answer: Answer): void {
  if (response.headersSent) return
  try {
    write(response, answer)
  } catch (cause) {
    // A guard of somebody else's may answer what cannot be written; the request is answered all the same.
    for (const name of Object.keys(answer?.headers ?? {})) response.removeHeader(name)
    write(response, problemAnswer(new RescindError('internal_error', 'The answer cannot be written.', { cause })))
  }
}

function write(response: ServerResponse, { status, headers, body }: Answer): void {
  const text = JSON.stringify(body)
  response.statusCode = status
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  response.end(text)
}

/** The `Set-Cookie` values among a response's headers, whatever form they have. */
export function setCookiesOf(header: number | string | readonly string[] | undefined): readonly string[] {
  if (header === undefined) return []
  return typeof header === 'object' ? header : [String(header)]
}
