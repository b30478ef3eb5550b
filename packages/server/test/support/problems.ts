import type { Problem, RequestErrorCode } from 'rescind/wire'
import { requestErrors } from 'rescind/wire'
import { expect } from 'vitest'

/** Expects a problem document of `code`, complete and with the headers that its status asks for. */
export async function expectProblem(answer: Response, code: RequestErrorCode): Promise<Problem> {
  const text = await answer.text()
  expect({ status: answer.status, text }).toMatchObject({ status: requestErrors[code].status })
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  const problem = JSON.parse(text) as Problem
  expect(problem).toMatchObject({ code, status: answer.status, title: requestErrors[code].title })
  expect(URL.canParse(problem.type)).toBe(true)
  expect(problem.detail).toMatch(/\S/)
  expect(text).not.toMatch(/node_modules|\.ts:\d|at .*\(/)
  if (answer.status === 503 || answer.status === 429) expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
  return problem
}
