import { isRequestErrorCode, RescindError } from '../base/errors.ts'
import type { RequestView } from '../web/request.ts'
import { type Answer, problemAnswer } from '../web/respond.ts'
import type { Answers } from './hooks.ts'

/** Answers a refused request, with the program's own answer where it has one. Never throws, never rejects. */
export function createAnswer(
  answers: Answers,
  onWarning: (message: string) => void,
): (error: RescindError, request: RequestView) => Answer | Promise<Answer> {
  const failed = (code: string): Answer => {
    onWarning(`the answer for ${code} failed: the request was answered with 500`)
    return problemAnswer(new RescindError('internal_error', 'The answer failed.'))
  }
  return (error, request) => {
    const { code } = error
    const own = isRequestErrorCode(code) ? answers[code] : answers.internal_error
    if (own === undefined) return problemAnswer(error)
    try {
      const answer = own(error, request)
      return answer instanceof Promise ? answer.catch(() => failed(code)) : answer
    } catch {
      return failed(code)
    }
  }
}
