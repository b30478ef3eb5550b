import { connect } from 'node:net'
import { eventually } from 'rescind/testing'
import { expect, it } from 'vitest'
import { hashesAtOnce } from '../src/services/hashes-at-once.ts'
import { createLimiter, type Limiter } from '../src/services/limiter.ts'
import { createPasswords } from '../src/services/passwords.ts'
import { expectProblem } from './support/problems.ts'
import { bearer, newEmail, PASSWORD, startApp, type Tokens } from './support/start-app.ts'

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

it('answers a login that waited too long with 503', async () => {
  const limiter = createLimiter({ maxRunning: 1, maxWaiting: 100, maxWaitMs: 1 })
  const app = await startApp({ passwords: createPasswords(limiter) })
  const held = hold(limiter)
  try {
    const answer = await app.post('/auth/login', { email: newEmail(), password: PASSWORD })
    await expectProblem(answer, 'overloaded')
  } finally {
    await held.release()
    await app.close()
  }
})

it('registers, logs in, refreshes and logs out correctly while logins queue', async () => {
  const passwords = createPasswords(createLimiter({ maxRunning: 1, maxWaiting: 100 }))
  const app = await startApp({ passwords })
  try {
    const people = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const email = newEmail()
        const { user } = await app.register(email)
        return { email, id: user.id }
      }),
    )
    const lives = people.map(async ({ email, id }) => {
      expect((await app.post('/auth/login', { email, password: `${PASSWORD}!` })).status).toBe(401)
      const login = await app.post('/auth/login', { email, password: PASSWORD })
      const first = (await login.json()) as Tokens
      expect(first.user.id).toBe(id)
      const refresh = await app.post('/auth/refresh', { refresh_token: first.refresh_token })
      const second = (await refresh.json()) as Tokens
      expect(second.session_id).toBe(first.session_id)
      expect((await app.post('/auth/logout', undefined, bearer(second.access_token))).status).toBe(204)
      for (const token of [first.access_token, second.access_token]) {
        expect((await app.get('/auth/status', token)).status).toBe(401)
      }
    })
    await Promise.all(lives)
  } finally {
    await app.close()
  }
})

it('hashes nothing for a client that has gone', async () => {
  const limiter = createLimiter({ maxRunning: 1, maxWaiting: 100 })
  let asked = 0
  let hashed = 0
  const counting: Limiter = {
    get waiting() {
      return limiter.waiting
    },
    run(task, signal) {
      asked += 1
      return limiter.run(() => {
        hashed += 1
        return task()
      }, signal)
    },
  }
  const app = await startApp({ passwords: createPasswords(counting) })
  const held = hold(limiter)
  try {
    const body = JSON.stringify({ email: newEmail(), password: PASSWORD })
    const head = `POST /auth/login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`
    const clients = Array.from({ length: 5 }, () => {
      const client = connect(app.port, '127.0.0.1', () => client.write(head + body))
      return client
    })
    await eventually(() => asked === 5)
    for (const client of clients) client.destroy()
    await eventually(() => limiter.waiting === 0)
  } finally {
    await held.release()
  }
  expect((await app.post('/auth/login', { email: newEmail(), password: PASSWORD })).status).toBe(401)
  expect({ asked, hashed }).toEqual({ asked: 6, hashed: 1 })
  await app.close()
})

it('leaves a core to the event loop and a thread to files', () => {
  expect(hashesAtOnce({ cores: 1, poolThreads: 4 })).toBe(1)
  expect(hashesAtOnce({ cores: 2, poolThreads: 4 })).toBe(1)
  expect(hashesAtOnce({ cores: 4, poolThreads: 4 })).toBe(3)
  expect(hashesAtOnce({ cores: 64, poolThreads: 4 })).toBe(3)
  expect(hashesAtOnce({ cores: 64, poolThreads: 1 })).toBe(1)
  expect(hashesAtOnce({ cores: 8, poolThreads: 128 })).toBe(7)
})

/** Takes the limiter's one place. */
function hold(limiter: Limiter): { release(): Promise<void> } {
  let end = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  const running = limiter.run(() => ended)
  return {
    release() {
      end()
      return running
    },
  }
}

it('a stored hash whose algorithm refuses its parameters matches nothing, and is no fault', async () => {
  const passwords = createPasswords()
  const salted = '$salt$' + '0'.repeat(128)
  for (const method of ['scrypt:2:1:1', 'scrypt:64:8:1', 'scrypt:65536:1:1']) {
    expect(await passwords.matches('whatever', `${method}${salted}`)).toBe(false)
  }
})
