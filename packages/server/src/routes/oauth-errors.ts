import type { FastifyReply, FastifyRequest } from 'fastify'
import type { RequestErrorCode } from 'rescind/wire'
import { noteRefusal } from '../noted-refusals.ts'
import { refusalOf } from '../problems.ts'

/** What the OAuth standards name themselves, and the service's other routes do not know. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError'
  readonly status: number
  readonly error: string

  constructor(status: number, error: string, description: string) {
    super(description)
    this.status = status
    this.error = error
  }
}

/** The refusal of a client that is not who it says, or does not say it (RFC 6749 §5.2). */
export function invalidClient(description: string): OAuthError {
  return new OAuthError(401, 'invalid_client', description)
}

// RFC 6749 §5.2 names few; those for a server in trouble are of §4.1.2.1.
const oauthNames: Partial<Record<RequestErrorCode, string>> = {
  rate_limited: 'temporarily_unavailable',
  revocation_unavailable: 'temporarily_unavailable',
  overloaded: 'temporarily_unavailable',
  internal_error: 'server_error',
}

// In the words of the other routes a body is JSON.
const descriptions: Partial<Record<RequestErrorCode, string>> = {
  payload_too_large: 'The form is too large.',
  unsupported_media_type: 'The body must be application/x-www-form-urlencoded.',
}

/** Answers whatever a route under `/oauth` threw as OAuth has it: `{error, error_description}`. */
export function answerOAuthError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status, headers, error, description } = readOAuthError(thrown, request)
  const body = JSON.stringify({ error, error_description: description })
  return reply.code(status).headers(headers).type('application/json').send(body)
}

function readOAuthError(thrown: unknown, request: FastifyRequest) {
  if (thrown instanceof OAuthError) {
    const { status, error, message: description } = thrown
    noteRefusal(request, { code: error })
    const challenge = status === 401 ? { 'www-authenticate': 'Basic realm="rescind", charset="UTF-8"' } : {}
    return { status, headers: challenge, error, description }
  }
  const { status, headers, body } = refusalOf(thrown, request)
  const { code, detail } = body
  return {
    status,
    headers,
    error: oauthNames[code] ?? 'invalid_request',
    description: descriptions[code] ?? detail,
  }
}
