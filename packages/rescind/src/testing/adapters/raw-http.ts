import { type Agent, request as httpRequest } from 'node:http'

/** A request, with nothing added or joined: what a client that means harm can send. */
export interface RawRequest {
  /** @default 'GET' */
  readonly method?: string
  /** Path and query. @default '/' */
  readonly path?: string
  /** In this order, the same name as often as it is given. */
  readonly headers?: readonly (readonly [name: string, value: string])[]
  /** Sent as JSON, or as it is for a string. */
  readonly body?: unknown
  readonly agent?: Agent
}

/** The answer to a {@link RawRequest}. */
export interface RawResponse {
  readonly status: number
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly setCookies: readonly string[]
  readonly text: string
  /** Whether the request went over a connection that had carried one before. */
  readonly reused: boolean
}

/** Sends a request to a server on this machine. */
export function sendRaw(origin: string, raw: RawRequest): Promise<RawResponse> {
  const { method = 'GET', path = '/', headers = [], body, agent } = raw
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  // Said of an empty body, too, which Node would send in chunks: then there is one to be parsed.
  const length = ['GET', 'HEAD'].includes(method) ? [] : ['Content-Length', String(Buffer.byteLength(text ?? ''))]
  return new Promise((resolve, reject) => {
    const sent = httpRequest(new URL(path, origin), {
      method,
      ...(agent === undefined ? {} : { agent }),
      headers: ['Host', new URL(origin).host, ...length, ...headers.flat()],
    })
    sent.on('error', reject)
    sent.on('response', (response) => {
      let received = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        received += chunk
      })
      response.on('error', reject)
      response.on('end', () => {
        const { 'set-cookie': setCookies = [], ...others } = response.headersDistinct
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(Object.entries(others).map(([name, values]) => [name, values?.join(', ')])),
          setCookies,
          text: received,
          reused: sent.reusedSocket,
        })
      })
    })
    sent.end(text)
  })
}
