import { describeFailure } from '../../storage-failure.ts'
import { CommandFailure } from '../command.ts'

/** One instance of the service, as somebody outside meets it. */
export interface Node {
  /** Without a slash at its end. */
  readonly url: string
  /** Rejects with {@link NotCarriedOut} where no answer comes. */
  ask(method: 'GET' | 'POST' | 'DELETE', path: string, request?: NodeRequest): Promise<NodeAnswer>
}

/** What is sent. */
export interface NodeRequest {
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body?: unknown
  /** Sent as a form. */
  readonly form?: Readonly<Record<string, string>>
}

/** What came back. */
export interface NodeAnswer {
  readonly status: number
  readonly headers: Headers
  /** The JSON of the body; an empty object where it is none. */
  readonly body: Readonly<Record<string, unknown>>
}

/** Something that has to be done for an examination, and cannot. */
export class NotCarriedOut extends CommandFailure {
  constructor(message: string) {
    super(message, EXIT_NOT_CARRIED_OUT)
  }
}

/** The exit code where nobody can tell how the nodes are. */
export const EXIT_NOT_CARRIED_OUT = 3

const TIMEOUT_MS = 5_000
const MAX_BODY_BYTES = 1_048_576

/** Reaches an instance by its URL. */
export function createNode(url: string): Node {
  return {
    url,
    async ask(method, path, request = {}) {
      try {
        const answer = await fetch(`${url}${path}`, {
          method,
          headers: headersOf(request),
          ...bodyOf(request),
          // Whoever it would lead to is none of the nodes that were named, and must not get a token.
          redirect: 'manual',
          signal: AbortSignal.timeout(TIMEOUT_MS),
        })
        return { status: answer.status, headers: answer.headers, body: parsed(await textOf(answer)) }
      } catch (error) {
        throw new NotCarriedOut(`${url} did not answer ${method} ${path}: ${describeFailure(error).message}`)
      }
    },
  }
}

function headersOf({ token, headers = {}, body }: NodeRequest): Record<string, string> {
  return {
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...headers,
  }
}

function bodyOf({ body, form }: NodeRequest): { body?: string | URLSearchParams } {
  if (form !== undefined) return { body: new URLSearchParams(form) }
  return body === undefined ? {} : { body: JSON.stringify(body) }
}

/** The text of a body, up to a size that no answer of the service has. */
async function textOf(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of answer.body ?? []) {
    length += chunk.length
    if (length > MAX_BODY_BYTES) throw new Error('the answer is too long')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

/** What an answer says that was not expected, without anything secret: its status and its code. */
export function refusalIn({ status, body, headers }: NodeAnswer): string {
  const code = typeof body.code === 'string' ? ` ${body.code}` : typeof body.error === 'string' ? ` ${body.error}` : ''
  const wait = headers.get('retry-after')
  return `${status}${code}${wait === null ? '' : `, to be asked again after ${wait} s`}`
}
