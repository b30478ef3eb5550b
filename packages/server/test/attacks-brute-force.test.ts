import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { systemClock } from 'rescind'
import { createFakeClock } from 'rescind/testing'
import { describe, expect, it } from 'vitest'
import { counterKey, memoryCounters } from '../src/rate-limits/counters.ts'
import { openRateLimits } from '../src/rate-limits/open-rate-limits.ts'
import { defaultRateLimits } from '../src/rate-limits/settings.ts'
import { createHeldPasswords } from './support/held-passwords.ts'
import { behindProxy, guess, limitedApp } from './support/limited-app.ts'
import { expectProblem } from './support/problems.ts'
import { sendRaw } from './support/raw-http.ts'
import { bearer, newEmail, PASSWORD } from './support/start-app.ts'

describe('one network', () => {
  const few = { login: { count: 4, windowMs: 60_000 } }

  it('is let through so often, then told when to come back', async () => {
    const app = await limitedApp(few)
    for (let time = 0; time < 4; time += 1) await expectProblem(await guess(app, newEmail()), 'invalid_credentials')
    const refused = await guess(app, newEmail())
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(30)
    await expectProblem(refused, 'rate_limited')
  })

  it('has its requests back when their time is over', async () => {
    const clock = createFakeClock()
    const app = await limitedApp(few, { counters: memoryCounters({ clock }) })
    for (let time = 0; time < 6; time += 1) await guess(app, newEmail())
    clock.advance(60_000)
    await expectProblem(await guess(app, newEmail()), 'invalid_credentials')
  })

  it.each([
    ['X-Forwarded-For', 'x-forwarded-for'],
    ['X-Real-IP', 'x-real-ip'],
    ['Forwarded', 'forwarded'],
    ['CF-Connecting-IP', 'cf-connecting-ip'],
    ['True-Client-IP', 'true-client-ip'],
  ])('does not become another by %s', async (_name, header) => {
    const app = await limitedApp(few)
    const statuses: number[] = []
    for (let time = 0; time < 8; time += 1) {
      const value = header === 'forwarded' ? `for=203.0.113.${time}` : `203.0.113.${time}`
      const answer = await app.post('/auth/login', { email: newEmail(), password: 'x' }, { [header]: value })
      statuses.push(answer.status)
    }
    expect(statuses).toEqual([401, 401, 401, 401, 429, 429, 429, 429])
  })

  it('does not become another by what it writes left of the proxy’s word', async () => {
    const app = await limitedApp(few, behindProxy)
    const statuses: number[] = []
    for (let time = 0; time < 6; time += 1) {
      statuses.push((await guess(app, newEmail(), `203.0.113.${time}, 198.51.100.7`)).status)
    }
    expect(statuses).toEqual([401, 401, 401, 401, 429, 429])
  })

  it('is a whole /64 of IPv6, and a neighbour is another', async () => {
    const app = await limitedApp(few, behindProxy)
    const statuses: number[] = []
    for (let time = 0; time < 6; time += 1) {
      statuses.push((await guess(app, newEmail(), `2001:db8:1:2:${time}::${time}`)).status)
    }
    statuses.push((await guess(app, newEmail(), '2001:db8:1:3::1')).status)
    expect(statuses).toEqual([401, 401, 401, 401, 429, 429, 401])
  })

  it.each([
    '//auth/login',
    '/auth//login',
    '/auth/login/',
    '/AUTH/LOGIN',
    '/auth/LOGIN',
    '/auth%2flogin',
    '/auth/./login',
    '/x/../auth/login',
    '/auth/login;a=b',
    '/auth/login%00',
    '/auth/login%20',
    '/auth\\login',
    '/%61uth/login',
    '/auth/login?x=1',
    '/auth/login#x',
    'http://other.test/auth/login',
  ])('guesses no password by the path %s', async (path) => {
    const app = await limitedApp({ login: { count: 1, windowMs: 60_000 } })
    const email = newEmail()
    await app.register(email)
    const body = JSON.stringify({ email, password: PASSWORD })
    const request = (target: string) =>
      `POST ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    expect(await sendRaw(app.port, request('/auth/login'))).toMatch(/^HTTP\/1.1 200 /)
    const answer = await sendRaw(app.port, request(path))
    expect(answer).toMatch(/^HTTP\/1.1 (400|404|429) /)
  })
})

describe('one account', () => {
  it('is not guessed from many places at once', async () => {
    const app = await limitedApp({}, behindProxy)
    const { user } = await app.register()
    const answers = await Promise.all(Array.from({ length: 60 }, (_, at) => guess(app, user.email, `198.51.100.${at}`)))
    expect(answers.filter(({ status }) => status === 401).length).toBe(defaultRateLimits.freeGuesses + 1)
    expect(answers.filter(({ status }) => status === 429).length).toBe(59 - defaultRateLimits.freeGuesses)
    // The right password finds the same gate: nothing tells that it was right.
    await expectProblem(await guess(app, user.email, '198.51.100.200', PASSWORD), 'rate_limited')
  })

  it('that does not exist is answered no other way', async () => {
    const app = await limitedApp({}, behindProxy)
    const { user } = await app.register()
    const seen = async (email: string) => {
      const answers: string[] = []
      for (let time = 0; time < 10; time += 1) {
        const answer = await guess(app, email, `198.51.100.${time}`)
        answers.push(`${answer.status} ${answer.headers.get('retry-after')} ${await answer.text()}`)
      }
      return answers
    }
    expect(await seen(user.email)).toEqual(await seen(newEmail()))
  })

  it('has one count, however its address is written', async () => {
    const app = await limitedApp({ freeGuesses: 2 }, behindProxy)
    const { user } = await app.register()
    const spellings = [user.email, user.email.toUpperCase(), user.email.replace('@', '＠')]
    const statuses: number[] = []
    for (const email of [...spellings, ...spellings]) statuses.push((await guess(app, email)).status)
    expect(statuses).toEqual([401, 401, 401, 429, 429, 429])
  })

  it('is entered by its owner, from where it was entered before, while others guess (A27)', async () => {
    const app = await limitedApp({}, behindProxy)
    const { user } = await app.register()
    expect((await guess(app, user.email, '192.0.2.1', PASSWORD)).status).toBe(200)
    for (let at = 0; at < 30; at += 1) await guess(app, user.email, `198.51.100.${at}`)
    await expectProblem(await guess(app, user.email, '198.51.100.99', PASSWORD), 'rate_limited')
    for (let time = 0; time < 3; time += 1) {
      expect((await guess(app, user.email, '192.0.2.1', PASSWORD)).status).toBe(200)
    }
    // Nor may a known place guess for ever.
    const own: number[] = []
    for (let time = 0; time < 8; time += 1) own.push((await guess(app, user.email, '192.0.2.1')).status)
    expect(own).toEqual([401, 401, 401, 401, 401, 401, 429, 429])
  })

  it('is not guessed for free by a client that hangs up before the answer', async () => {
    const counters = memoryCounters({ clock: systemClock })
    const { passwords, holdNext, isHeld } = createHeldPasswords()
    const app = await limitedApp({}, { counters, passwords })
    const { user } = await app.register()
    const body = JSON.stringify({ email: user.email, password: 'wrong-guess' })
    const head = `POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`
    // It has registered from here, so the place is known.
    const wrong = async () => (await counters.get(counterKey('wrong', user.email, '127.0.0.1')))?.count
    for (const guessed of [1, 2, 3]) {
      const release = holdNext()
      const accepted = once(app.server.server, 'connection')
      const socket = connect(app.port, '127.0.0.1')
      const [served] = (await accepted) as [Socket]
      socket.write(`${head}\r\n\r\n${body}`)
      // Before that, nothing has been guessed.
      await expect.poll(isHeld, { timeout: 10_000 }).toBe(true)
      socket.destroy()
      // Or it could be over before the application has heard that nobody waits for it.
      await expect.poll(() => served.closed, { timeout: 10_000 }).toBe(true)
      release()
      await expect.poll(wrong, { timeout: 10_000 }).toBe(guessed)
    }
    // Whatever was under way is over now.
    await app.server.close()
    expect(await wrong()).toBe(3)
  })

  it('is not guessed faster after a flood from ever other networks', async () => {
    const clock = createFakeClock()
    const counters = memoryCounters({ clock, maxCounts: 20 })
    const guessCounters = memoryCounters({ clock, maxCounts: 20 })
    const app = await limitedApp({}, { ...behindProxy, counters, guessCounters })
    const email = newEmail()
    for (let at = 0; at < 8; at += 1) await guess(app, email, `198.51.100.${at}`)
    for (let at = 0; at < 40; at += 1) {
      await app.post('/auth/refresh', { refresh_token: 'x' }, { 'x-forwarded-for': `203.0.113.${at}` })
    }
    await expectProblem(await guess(app, email, '198.51.100.99'), 'rate_limited')
    const { rateLimits } = await openRateLimits({ rateLimits: defaultRateLimits, redisUrl: undefined }, () => {})
    expect(rateLimits?.guessCounters).not.toBe(rateLimits?.counters)
  })

  it('is not guessed through a session that was stolen', async () => {
    const app = await limitedApp()
    const { access_token } = await app.register()
    const body = { current_password: 'wrong-guess', new_password: 'walnut-gravel-7-Parasol' }
    const statuses: number[] = []
    for (let time = 0; time < 9; time += 1) {
      statuses.push((await app.post('/auth/password/change', body, bearer(access_token))).status)
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 401, 429, 429, 429])
  })
})

it.each([
  ['/auth/register', 'register', { email: 'no address', password: 'x' }],
  ['/auth/refresh', 'refresh', { refresh_token: 'x' }],
  ['/auth/password/forgot', 'mail', { email: 'nobody@example.test' }],
  ['/auth/password/reset', 'code', { token: 'guessed', new_password: PASSWORD }],
  ['/auth/email/verify', 'code', { token: 'guessed' }],
] as const)('%s is limited', async (path, limit, body) => {
  const app = await limitedApp({ [limit]: { count: 3, windowMs: 60_000 } })
  const statuses: number[] = []
  for (let time = 0; time < 5; time += 1) statuses.push((await app.post(path, body)).status)
  expect(statuses.slice(0, 3)).not.toContain(429)
  expect(statuses.slice(3)).toEqual([429, 429])
})
