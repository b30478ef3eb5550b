import { isRequestErrorCode, RescindError } from '../base/errors.ts'
import type { RequestView } from '../web/request.ts'
import { type Answer, problemAnswer } from '../web/respond.ts'
import type { Answers } from './hooks.ts'

/** Who hears of answers that are nobody's wish. */
export interface AnswerListeners {
  readonly onWarning: (message: string) => void
  readonly onFailure: (error: RescindError) => void
}

/** Answers a refused request, with the program's own answer where it has one. Never throws, never rejects. */
export function createAnswer(
  answers: Answers,
  { onWarning, onFailure }: AnswerListeners,
): (error: RescindError, request: RequestView) => Answer | Promise<Answer> {
  const failed = (code: string, cause?: unknown): Answer => {
    onWarning(`the answer for ${code} failed: the request was answered with 500`)
    const failure = new RescindError('internal_error', 'The answer failed.', { cause })
    onFailure(failure)
    return problemAnswer(failure)
  }
  return (error, request) => {
    const { code } = error
    if (error.status >= 500) onFailure(error)
    const own = isRequestErrorCode(code) ? answers[code] : answers.internal_error
    if (own === undefined) return problemAnswer(error)
    try {
      const answer = own(error, request)
      const checked = (given: Answer) => (isAnswer(given) ? given : failed(code))
      return answer instanceof Promise
        ? answer.then(checked).catch((cause: unknown) => failed(code, cause))
        : checked(answer)
    } catch (cause) {
      return failed(code, cause)
    }
  }
}

// RFC 9110 §5.5: anything else, a line break above all, would end the header or be refused by the server.
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** True for what an adapter can write. */
function isAnswer(given: unknown): given is Answer {
  const { status, headers, body }: Partial<Answer> = given ?? {}
  if (typeof status !== 'number' || !Number.isInteger(status) || status < 200 || status > 599) return false
  if (typeof headers !== 'object' || headers === null || typeof body !== 'object' || body === null) return false
  return Object.entries<unknown>(headers).every(
    ([name, value]) => HEADER_NAME.test(name) && typeof value === 'string' && HEADER_VALUE.test(value),
  )
}
