import { RescindError } from 'rescind'
import { expect, it } from 'vitest'
import { openRescind, requestWith } from './helpers.ts'

const answerTo = async (auth: Awaited<ReturnType<typeof openRescind>>['auth'], token: string) => {
  const decision = await auth.check(requestWith(token))
  if (decision.ok) throw new Error('the request passed')
  return auth.answer(decision.error, requestWith(token))
}

it('tells the program why a hook made a request fail, and the client nothing of it', async () => {
  const failures: RescindError[] = []
  const cause = new Error('the users are out of reach at 10.0.0.7')
  const user = () => Promise.reject(cause)
  const { auth } = await openRescind({ user, onFailure: (error) => failures.push(error) })
  const { accessToken } = await auth.issue({ sub: 'alice' })
  const answer = await answerTo(auth, accessToken)
  expect(answer.status).toBe(500)
  expect(JSON.stringify(answer)).not.toContain('10.0.0.7')
  expect(failures).toEqual([expect.any(RescindError)])
  expect(failures[0]).toMatchObject({ code: 'internal_error', cause })
})

it('tells of an answer of the program that failed, with its cause', async () => {
  const failures: RescindError[] = []
  const cause = new Error('no template')
  const answers = { token_invalid: () => Promise.reject(cause), token_malformed: () => ({}) as never }
  const { auth } = await openRescind({ answers, onFailure: (error) => failures.push(error) })
  const { accessToken } = await auth.issue({ sub: 'alice' })
  expect((await answerTo(auth, `${accessToken.slice(0, -4)}AAAA`)).status).toBe(500)
  expect((await answerTo(auth, 'x')).status).toBe(500)
  expect(failures.map((error) => error.cause)).toEqual([cause, undefined])
})

it('is told nothing of what is the fault of the client, and does no harm where it throws', async () => {
  const told: string[] = []
  const onFailure = (error: RescindError) => {
    told.push(error.code)
    throw new Error('the log is full')
  }
  const { auth } = await openRescind({ user: () => Promise.reject(new Error('away')), onFailure })
  const { accessToken } = await auth.issue({ sub: 'alice' })
  expect((await answerTo(auth, 'x')).status).toBe(401)
  expect(told).toEqual([])
  expect((await answerTo(auth, accessToken)).status).toBe(500)
  expect(told).toEqual(['internal_error'])
})
