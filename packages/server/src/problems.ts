import type { FastifyReply, FastifyRequest } from 'fastify'
import { problemAnswer, RescindError } from 'rescind'
import { type FieldError, type Problem, type RequestErrorCode, requestErrors } from 'rescind/wire'
import { noteRefusal } from './noted-refusals.ts'
import { RateLimitedError } from './rate-limits/rate-limited-error.ts'
import { WrongCredentialsError } from './services/wrong-credentials-error.ts'
import { describeFailure } from './storage-failure.ts'

/** A body that fails validation, field by field. */
export class InvalidBodyError extends RescindError {
  readonly errors: readonly FieldError[]

  constructor(errors: readonly FieldError[]) {
    super('invalid_request', 'The body is not valid: see errors.')
    this.errors = errors
  }
}

/**
 * Answers whatever a handler or the framework threw. The framework's own messages are replaced: some quote the body,
 * and with it a password.
 */
export function answerProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status, headers, body } = refusalOf(thrown, request)
  return reply.code(status).headers(headers).send(JSON.stringify(body))
}

/** The whole answer to whatever was thrown, after the log was told what an operator should know of it. */
export function refusalOf(thrown: unknown, request: FastifyRequest): ReturnType<typeof problemOf> {
  const error = toRescindError(thrown)
  const problem = problemOf(error)
  noteRefusal(request, {
    code: problem.body.code,
    userId: error instanceof WrongCredentialsError ? error.userId : undefined,
  })
  // A refusal is told by the status of its access line. What the service did not expect, and why something that it
  // depends on did not answer, is told here.
  if (problem.status === 500) request.log.error({ err: thrown }, 'request failed')
  else if (problem.status === 503 && error.cause !== undefined) {
    request.log.warn({ code: error.code, cause: describeFailure(error.cause) }, 'storage did not answer')
  }
  return problem
}

/** The whole answer to an error. */
export function problemOf(error: RescindError): { status: number; headers: Record<string, string>; body: Problem } {
  const answer = problemAnswer(error, error instanceof InvalidBodyError ? { errors: error.errors } : {})
  if (!(error instanceof RateLimitedError)) return answer
  return { ...answer, headers: { ...answer.headers, 'retry-after': String(error.retryAfterSeconds) } }
}

function toRescindError(thrown: unknown): RescindError {
  if (thrown instanceof RescindError) {
    return Object.hasOwn(requestErrors, thrown.code) ? thrown : internalError(thrown)
  }
  const { code, statusCode } = thrown as { code?: unknown; statusCode?: unknown }
  const known = typeof code === 'string' ? frameworkRefusals[code] : undefined
  if (known !== undefined) return new RescindError(known.code, known.detail)
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new RescindError('invalid_request', 'The request cannot be understood.')
  }
  return internalError(thrown)
}

function internalError(cause: unknown): RescindError {
  return new RescindError('internal_error', 'Something went wrong here.', { cause })
}

const frameworkRefusals: Readonly<Record<string, { code: RequestErrorCode; detail: string }>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'payload_too_large', detail: 'A body may have up to 64 KiB.' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: { code: 'unsupported_media_type', detail: 'The body must be application/json.' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: { code: 'invalid_request', detail: 'The body is not of the announced length.' },
  FST_ERR_CTP_INVALID_JSON_BODY: { code: 'invalid_request', detail: 'The body is not JSON.' },
  FST_ERR_BAD_URL: { code: 'invalid_request', detail: 'The URL is not well-formed.' },
}
