import type { RescindError } from 'rescind'
import { expect, it } from 'vitest'
import { ask, bearer, openFlask } from './support/flask.ts'

it('tells the program why a loader failed, whether it checks or answers, and the client nothing of it', async () => {
  const failures: RescindError[] = []
  const away = new Error('no users at 10.0.0.7')
  const wordless = new Error('no template at 10.0.0.7')
  const { jwt } = await openFlask(
    {},
    {
      loaders: { userLookup: () => Promise.reject(away), unauthorized: () => Promise.reject(wordless) },
      onFailure: (error) => failures.push(error),
    },
  )
  const answers = [await ask(jwt, bearer(await jwt.createAccessToken('alice'))), await ask(jwt, {})]
  for (const answer of answers) expect(answer).toEqual({ status: 500, body: { msg: 'Internal Server Error' } })
  expect(failures.map(({ cause }) => cause)).toEqual([away, wordless])
  expect(await ask(jwt, bearer('abc'))).toMatchObject({ status: 422 })
  expect(failures).toHaveLength(2)
})
