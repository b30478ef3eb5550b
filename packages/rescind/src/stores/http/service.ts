import { configError, historyLost } from '../../base/errors.ts'
import type { TokenIds } from '../../base/types.ts'
import type { Position } from '../../revocation/ledger.ts'
import type { Revocation } from '../../revocation/revocation.ts'
import { createFeedReader, type FeedMessage, parseJson } from './feed.ts'
import { asObject, parseRecord, unreadable } from './records.ts'
import { createEventParser } from './sse-parser.ts'

/** How a service is reached. */
export interface HttpServiceOptions {
  /** Its address, without a slash at the end. */
  readonly base: string
  /** The header that shows its credentials. */
  readonly authorization: string
  /** A connection that says nothing for so long is given up. */
  readonly silenceTimeoutMs: number
  /** How long one question may take. */
  readonly findTimeoutMs: number
  readonly fetch: typeof fetch
}

/** Another rescind service, over HTTP. */
export interface HttpService {
  /** The feed after `from` (`null`: from the start); it ends when it is current, or goes on as long as both sides live. */
  feed(request: { from: Position | null; until?: 'current' }, signal?: AbortSignal): AsyncGenerator<FeedMessage>
  find(ids: TokenIds, nowMs: number): Promise<Revocation | null>
  /** Ends whatever is open. */
  close(): void
}

// A service sends pages of 256 KiB; one record may have more, but never so much.
const MAX_EVENT_LENGTH = 2_097_152
const MAX_ANSWER_BYTES = 65_536
// More questions than a healthy service has open at once would only hold sockets.
const MAX_FINDS = 256
// What HTTP takes as the value of a header without changing it.
const HEADER_SAFE = /^[\x21-\x7e]{1,512}$/

/** Makes the client of one service. It opens nothing yet. */
export function createHttpService(options: HttpServiceOptions): HttpService {
  const { base, authorization, silenceTimeoutMs, findTimeoutMs, fetch: fetchFrom } = options
  const open = new Set<AbortController>()
  let finds = 0
  let closed = false

  /** What ends a request: its deadline, which can be put off; the caller's signal; the store's end. */
  const openRequest = (deadlineMs: number, signal?: AbortSignal) => {
    if (closed) throw new Error('the store has been closed')
    const request = new AbortController()
    const abort = () => request.abort(signal?.reason)
    const startTimer = () =>
      setTimeout(() => request.abort(new Error(`${base} said nothing for ${deadlineMs} ms`)), deadlineMs)
    let timer = startTimer()
    open.add(request)
    signal?.addEventListener('abort', abort)
    if (signal?.aborted) abort()
    return {
      signal: request.signal,
      heard() {
        clearTimeout(timer)
        timer = startTimer()
      },
      end() {
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
        open.delete(request)
        // Frees the socket where an answer has not been read to its end.
        request.abort(new Error('the request is over'))
      },
    }
  }

  const send = async (path: string, init: RequestInit & { headers: Record<string, string> }): Promise<Response> => {
    const headers = { authorization, ...init.headers }
    const answer = await fetchFrom(`${base}${path}`, { ...init, headers, redirect: 'error' })
    if (answer.status !== 200) throw await refusal(answer, base)
    return answer
  }

  return {
    async *feed({ from, until }, signal) {
      if (from !== null && !HEADER_SAFE.test(from)) throw historyLost()
      const request = openRequest(silenceTimeoutMs, signal)
      try {
        const answer = await send(`/revocations${until === undefined ? '' : `?until=${until}`}`, {
          signal: request.signal,
          headers: {
            accept: 'text/event-stream',
            // A compressing proxy would hold events back until it has enough of them.
            'accept-encoding': 'identity',
            ...(from === null ? {} : { 'last-event-id': from }),
          },
        })
        checkMediaType(answer, 'text/event-stream')
        const parser = createEventParser(MAX_EVENT_LENGTH)
        const read = createFeedReader()
        for await (const bytes of bodyOf(answer)) {
          request.heard()
          for (const event of parser.push(bytes)) {
            const message = read(event)
            if (message !== null) yield message
          }
        }
      } finally {
        request.end()
      }
    },
    async find({ jti, sid, sub, iatMs }, nowMs) {
      if (finds >= MAX_FINDS) throw new Error(`${MAX_FINDS} questions wait for ${base}`)
      const request = openRequest(findTimeoutMs)
      finds += 1
      try {
        const answer = await send('/revocations/find', {
          method: 'POST',
          signal: request.signal,
          headers: { accept: 'application/json', 'content-type': 'application/json' },
          body: JSON.stringify({ jti, sid, sub, iat_ms: iatMs, now_ms: nowMs }),
        })
        checkMediaType(answer, 'application/json')
        const { revocation } = asObject(parseJson(await boundedText(answer)))
        if (revocation === undefined) throw unreadable('revocation')
        return revocation === null ? null : parseRecord(revocation)
      } finally {
        finds -= 1
        request.end()
      }
    },
    close() {
      closed = true
      for (const request of open) request.abort(new Error('the store has been closed'))
    },
  }
}

/** The error that an answer other than 200 stands for. What the service says is not repeated: it may be anyone's page. */
async function refusal(answer: Response, base: string): Promise<Error> {
  switch (answer.status) {
    case 401:
    case 403:
      return configError(
        `${base} refuses the service token or client (${answer.status}): give its SERVICE_TOKEN, or a client with the scope revocations:read`,
      )
    case 404:
      return configError(`${base} has no revocation feed (404): check the url`)
    case 409:
      if (asObject(parseJson(await boundedText(answer))).code === 'history_lost') return historyLost()
  }
  return new Error(`${base} answered ${answer.status}`)
}

function checkMediaType(answer: Response, expected: string): void {
  const [mediaType] = (answer.headers.get('content-type') ?? '').split(';')
  if (mediaType?.trim().toLowerCase() !== expected) throw unreadable(`an answer that is not ${expected}`)
}

async function* bodyOf(answer: Response): AsyncGenerator<Uint8Array> {
  if (answer.body === null) return
  for await (const bytes of answer.body) yield bytes as Uint8Array
}

async function boundedText(answer: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let length = 0
  for await (const bytes of bodyOf(answer)) {
    length += bytes.length
    if (length > MAX_ANSWER_BYTES) throw unreadable('an answer that is too long')
    text += decoder.decode(bytes, { stream: true })
  }
  return text + decoder.decode()
}
