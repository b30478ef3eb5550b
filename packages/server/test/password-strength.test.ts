import { setImmediate } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { expect, it } from 'vitest'
import { parseEmailAddress } from '../src/services/email-address.ts'
import { passwordWeakness } from '../src/services/password-strength.ts'

const email = parseEmailAddress('someone@example.test') ?? expect.unreachable()
const hostile = ['p4$$w0rd', '4@8({[<369&6#!1/|\\0$5+7%2', '1-1-1991.', '1|!/', '2020'].map((part) =>
  part.repeat(64).slice(0, 128),
)

const threads: Worker[] = []
process.on('worker', (thread) => threads.push(thread))

it('looks at a hostile password while everybody else is answered (A33)', async () => {
  let done = false
  const judged = Promise.all(hostile.map((password) => passwordWeakness(password, email))).finally(() => {
    done = true
  })
  // Each turn of the event loop is one in which requests are answered. Looked at in this thread, there would be one or
  // two of them for each password.
  let turns = 0
  while (!done) {
    await setImmediate()
    turns += 1
  }
  await judged
  expect(turns).toBeGreaterThan(100)
})

it('judges a long password by its beginning and its end, whichever is stronger', async () => {
  const weak = 'aaaaaaaa'.repeat(8)
  expect(await passwordWeakness(weak, email)).toMatch(/\S/)
  expect(await passwordWeakness(`${weak}plum harbour quartz`, email)).toBe(null)
  expect(await passwordWeakness(`plum harbour quartz${weak}`, email)).toBe(null)
})

it('refuses what more than 64 ask at once, and answers the others', async () => {
  const asked = Array.from({ length: 70 }, () => passwordWeakness('password', email))
  const outcomes = await Promise.allSettled(asked)
  const refused = outcomes.filter(({ status }) => status === 'rejected')
  expect(refused).toHaveLength(5)
  for (const { reason } of refused as PromiseRejectedResult[]) expect(reason).toMatchObject({ code: 'overloaded' })
  expect(await passwordWeakness('plum harbour quartz seven', email)).toBe(null)
})

it('goes on with another thread where the one that did it ended, or failed, while nobody asked', async () => {
  expect(await passwordWeakness('password', email)).toMatch(/\S/)
  const count = threads.length
  await threads.at(-1)?.terminate()
  expect(await passwordWeakness('password', email)).toMatch(/\S/)
  expect(threads).toHaveLength(count + 1)
  // Unheard, it would end the process.
  expect(threads.at(-1)?.emit('error', new Error('out of memory'))).toBe(true)
})
