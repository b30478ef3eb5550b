import { Agent, request } from 'node:http'

// Longer than the service takes for anything; nobody waits for ever.
const ANSWER_WITHIN_MS = 10_000
const CONNECTIONS = 64

/** Where something is asked: its name in the journal, and where it listens. */
export interface Target {
  readonly name: string
  readonly url: string
}

/** What is asked of a node. */
export interface Question {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly authorization?: string
  readonly body?: object
}

/** What it answered. */
export interface NodeAnswer {
  readonly status: number
  /** The JSON of the answer; empty where it has none. */
  readonly body: Readonly<Record<string, unknown>>
}

/** Asks nodes. */
export interface Requests {
  /** `null` where there was no whole answer: the connection was refused or reset, or nothing came in time. */
  ask(node: Target, question: Question): Promise<NodeAnswer | null>
  close(): void
}

/** Keeps connections open, as a balancer does. */
export function createRequests(): Requests {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  return {
    ask: (node, { method, path, authorization, body }) =>
      new Promise((resolve) => {
        const text = body === undefined ? '' : JSON.stringify(body)
        const headers = {
          ...(authorization === undefined ? {} : { authorization }),
          ...(body === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
        }
        const fail = () => resolve(null)
        const sent = request(`${node.url}${path}`, { method, headers, agent, timeout: ANSWER_WITHIN_MS }, (answer) => {
          let received = ''
          answer.setEncoding('utf8').on('data', (chunk: string) => {
            received += chunk
          })
          answer.once('error', fail)
          answer.once('end', () => {
            if (!answer.complete) return fail()
            resolve({ status: answer.statusCode ?? 0, body: received === '' ? {} : JSON.parse(received) })
          })
        })
        sent.once('timeout', () => sent.destroy())
        sent.once('error', fail)
        sent.end(text)
      }),
    close: () => agent.destroy(),
  }
}
