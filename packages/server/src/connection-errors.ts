import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { RescindError } from 'rescind'
import { answerProblem, problemOf } from './problems.ts'

// What helmet adds to other answers; no hook runs for a request that was never routed.
const safeHeaders = {
  'content-security-policy': "default-src 'none';frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
} as const

/** Answers a request whose URL the router could not read. */
export function answerUnroutable(error: Error, request: FastifyRequest, reply: FastifyReply): void {
  reply.headers(safeHeaders)
  answerProblem(error, request, reply)
}

/** Answers bytes that are no HTTP request, then hangs up. Fastify's own handler would log the raw bytes. */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const { status, reason, detail } = brokenRequests[error.code ?? ''] ?? notHttp
  const problem = problemOf(new RescindError('invalid_request', detail))
  const body = JSON.stringify({ ...problem.body, status, title: reason })
  const headers = { ...safeHeaders, ...problem.headers, 'content-length': Buffer.byteLength(body), connection: 'close' }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${status} ${reason}\r\n${lines.join('')}\r\n${body}`)
}

interface BrokenRequest {
  readonly status: number
  readonly reason: string
  readonly detail: string
}

const notHttp: BrokenRequest = { status: 400, reason: 'Bad Request', detail: 'The request is not valid HTTP.' }

const brokenRequests: Readonly<Record<string, BrokenRequest>> = {
  HPE_HEADER_OVERFLOW: { status: 431, reason: 'Request Header Fields Too Large', detail: 'The headers are too large.' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, reason: 'Request Timeout', detail: 'The request took too long to arrive.' },
}
