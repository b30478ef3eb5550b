import { describe, expect, it } from 'vitest'
import { createLimiter } from '../src/services/limiter.ts'
import { createPasswords } from '../src/services/passwords.ts'
import { expectProblem } from './support/problems.ts'
import { newEmail, PASSWORD, startApp } from './support/start-app.ts'

describe('the limiter', () => {
  it('runs so many at a time, in order, and refuses past the queue', async () => {
    const limiter = createLimiter({ maxRunning: 2, maxWaiting: 3 })
    const started: number[] = []
    const release: Array<() => void> = []
    const task = (id: number) =>
      limiter.run(() => {
        started.push(id)
        return new Promise<number>((resolve) => release.push(() => resolve(id)))
      })
    const results = [0, 1, 2, 3, 4].map(task)
    await expect(task(5)).rejects.toMatchObject({ code: 'overloaded' })
    await new Promise(setImmediate)
    expect(started).toEqual([0, 1])
    for (let done = 0; done < 5; done += 1) {
      release[done]?.()
      await new Promise(setImmediate)
      expect(started.length).toBeLessThanOrEqual(done + 3)
    }
    expect(await Promise.all(results)).toEqual([0, 1, 2, 3, 4])
    expect(started).toEqual([0, 1, 2, 3, 4])
  })

  it('frees the place of a task that fails', async () => {
    const limiter = createLimiter({ maxRunning: 1, maxWaiting: 0 })
    for (let round = 0; round < 3; round += 1) {
      await expect(limiter.run(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed')
    }
    expect(await limiter.run(async () => 'ran')).toBe('ran')
  })
})

it('answers a flood of logins with 503 and recovers', async () => {
  const app = await startApp({ passwords: createPasswords(createLimiter({ maxRunning: 1, maxWaiting: 2 })) })
  try {
    const login = () => app.post('/auth/login', { email: newEmail(), password: PASSWORD })
    const answers = await Promise.all(Array.from({ length: 20 }, login))
    const overloaded = answers.filter(({ status }) => status === 503)
    expect(overloaded.length).toBeGreaterThan(0)
    for (const answer of overloaded) await expectProblem(answer, 'overloaded')
    for (const answer of answers.filter(({ status }) => status !== 503))
      await expectProblem(answer, 'invalid_credentials')
    await expectProblem(await login(), 'invalid_credentials')
  } finally {
    await app.close()
  }
})
