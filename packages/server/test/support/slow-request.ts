import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import type { RunningApp } from './start-app.ts'

/** A request whose body comes only once something else has happened. */
export interface SlowRequest {
  readonly headers: object
  readonly body: object
  readonly meanwhile: () => Promise<unknown>
}

/** Sends one, as in `POST /path`; answers the status and the code of a refusal. */
export async function sendSlowly(
  app: Pick<RunningApp, 'server' | 'url'>,
  route: string,
  { headers, body, meanwhile }: SlowRequest,
): Promise<{ readonly status: number | undefined; readonly code: string | undefined }> {
  const [method, path] = route.split(' ')
  const text = JSON.stringify(body)
  const awaited = bodyAwaited(app)
  const sent = request(`${app.url}${path}`, {
    method,
    agent: false,
    headers: { ...headers, 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
  })
  const answered = once(sent, 'response') as Promise<[IncomingMessage]>
  sent.flushHeaders()
  await awaited
  await meanwhile()
  sent.end(text)
  const [answer] = await answered
  let received = ''
  for await (const chunk of answer) received += String(chunk)
  return { status: answer.statusCode, code: (JSON.parse(received || '{}') as { code?: string }).code }
}

/** Resolves once the service waits for the body of the next request: the hooks before it have let the request pass. */
function bodyAwaited({ server }: Pick<RunningApp, 'server'>): Promise<void> {
  return new Promise((resolve) => {
    server.server.prependOnceListener('request', (incoming: IncomingMessage) => {
      incoming.on('newListener', (event) => {
        if (event === 'data') resolve()
      })
    })
  })
}
