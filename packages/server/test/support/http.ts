import { bearer } from './start-app.ts'

/** An answer that was read to its end. */
export interface Answer {
  readonly status: number
  readonly text: string
}

/** How one request is made. */
export interface Call {
  readonly token?: string
  readonly body?: unknown
  /** An answer that does not come by then is an error. @default 10_000 */
  readonly timeoutMs?: number
}

/** Sends a request to a service and reads the whole answer. */
export async function call(url: string, method: string, options: Call = {}): Promise<Answer> {
  const { token, body, timeoutMs = 10_000 } = options
  const answer = await fetch(url, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : bearer(token)),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(timeoutMs),
  })
  return { status: answer.status, text: await answer.text() }
}
