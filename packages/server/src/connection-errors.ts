import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { RescindError } from 'rescind'
import { answerProblem, problemOf } from './problems.ts'

/** Answers what never gets to a route, where no hook runs. */
export interface UnroutedAnswers {
  /** To a request whose URL the router could not read. */
  unroutable(error: Error, request: FastifyRequest, reply: FastifyReply): void
  /** To bytes that are no HTTP request, then hangs up. Fastify's own handler would log the raw bytes. */
  brokenRequest(error: NodeJS.ErrnoException, socket: Socket): void
}

/** Makes them, with the headers that every answer has. `answered` hears each status. */
export function unroutedAnswers(
  headers: Readonly<Record<string, string>>,
  answered: (status: number) => void,
): UnroutedAnswers {
  return {
    unroutable(error, request, reply) {
      reply.headers({ ...headers, 'x-request-id': request.id })
      answerProblem(error, request, reply)
      answered(reply.statusCode)
    },
    brokenRequest(error, socket) {
      const status = answerBrokenRequest(headers, error, socket)
      if (status !== null) answered(status)
    },
  }
}

function answerBrokenRequest(
  safeHeaders: Readonly<Record<string, string>>,
  error: NodeJS.ErrnoException,
  socket: Socket,
): number | null {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return null
  }
  const { status, reason, detail } = brokenRequests[error.code ?? ''] ?? notHttp
  const problem = problemOf(new RescindError('invalid_request', detail))
  const body = JSON.stringify({ ...problem.body, status, title: reason })
  const headers = { ...safeHeaders, ...problem.headers, 'content-length': Buffer.byteLength(body), connection: 'close' }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${status} ${reason}\r\n${lines.join('')}\r\n${body}`)
  return status
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
