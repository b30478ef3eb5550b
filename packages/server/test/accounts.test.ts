import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backendsUnderTest } from './support/backends.ts'
import { expectProblem } from './support/problems.ts'
import { newEmail, PASSWORD, type RunningApp, startApp } from './support/start-app.ts'

describe.each(backendsUnderTest)('over $name', ({ prepare }) => {
  const settings = prepare()
  let app: RunningApp
  beforeAll(async () => {
    app = await startApp({ settings: await settings() })
  })
  afterAll(() => app.close())

  const register = (email: unknown, password: unknown = PASSWORD) => app.post('/auth/register', { email, password })
  const login = (email: unknown, password: unknown = PASSWORD) => app.post('/auth/login', { email, password })

  describe('register', () => {
    it('answers a complete TokenResponse that nobody may store', async () => {
      const email = newEmail()
      const answer = await register(email)
      expect(answer.status).toBe(201)
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(await answer.json()).toEqual({
        access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
        refresh_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
        token_type: 'Bearer',
        expires_in: expect.any(Number),
        refresh_expires_in: expect.any(Number),
        session_id: expect.any(String),
        user: {
          id: expect.any(String),
          email,
          email_verified: false,
          admin: false,
          registered_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        },
      })
    })

    it('refuses an address that is taken, in any spelling', async () => {
      await app.register('Mixed.Case@Example.test')
      await expectProblem(await register('mixed.case@example.TEST'), 'email_taken')
      await expectProblem(await register('ｍixed.case@example.test'), 'email_taken')
    })

    it('lets exactly one of many concurrent registrations of an address win', async () => {
      const email = newEmail()
      const answers = await Promise.all(Array.from({ length: 8 }, () => register(email)))
      expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 7 }, () => 409)])
    })

    it.each([
      'plain',
      '@example.test',
      'a@',
      'a@b',
      'a@@b.test',
      ' a@b.test',
      'a@b.test ',
      'a@b.test\u00a0',
      'a b@c.test',
      'a@b..test',
      'a@-b.test',
      'a@b.test\n',
      'a\u0000@b.test',
      'a@[127.0.0.1]',
      `${'a'.repeat(65)}@b.test`,
      `a@${'b.'.repeat(130)}test`,
      '',
      7,
      null,
      {},
      ['a@b.test'],
    ])('refuses %j as an e-mail', async (email) => {
      const problem = await expectProblem(await register(email), 'invalid_request')
      expect(problem.errors).toEqual([{ path: 'email', message: expect.any(String) }])
    })

    it('refuses a very long e-mail quickly', async () => {
      for (const text of [
        'a'.repeat(60_000),
        `${'a@'.repeat(30_000)}`,
        `a@${'b.'.repeat(29_000)}`,
        `a@${'-'.repeat(59_000)}`,
      ]) {
        const start = performance.now()
        await expectProblem(await register(text), 'invalid_request')
        expect(performance.now() - start).toBeLessThan(200)
      }
    })

    it.each(['1234567', 'x'.repeat(129), '', 12345678, null])(
      'refuses %j as a password for its form',
      async (password) => {
        const problem = await expectProblem(await register(newEmail(), password), 'invalid_request')
        expect(problem.errors?.map(({ path }) => path)).toEqual(['password'])
      },
    )

    it('refuses half a surrogate pair, which hashing would turn into another password', async () => {
      const answer = await app.post('/auth/register', `{"email":"${newEmail()}","password":"${PASSWORD}\\ud800"}`)
      await expectProblem(answer, 'invalid_request')
    })

    it('refuses a weak password with a reason and a suggestion', async () => {
      const problem = await expectProblem(await register(newEmail(), 'password1'), 'password_too_weak')
      expect(problem.detail).toMatch(/commonly used.*\. .+\./)
      await expectProblem(
        await register('zygmunt.brzezinski@example.test', 'zygmunt.brzezinski@example.test'),
        'password_too_weak',
      )
      await expectProblem(await register(newEmail(), 'rescind123'), 'password_too_weak')
    })

    it('judges the longest password without holding the service up', async () => {
      const start = performance.now()
      expect((await register(newEmail(), 'p4$$w0rD({'.repeat(13).slice(0, 128))).status).toBeOneOf([201, 422])
      expect(performance.now() - start).toBeLessThan(1000)
    })

    it('names every unknown and missing field', async () => {
      const answer = await app.post('/auth/register', { email: newEmail(), admin: true, role: 'root' })
      const problem = await expectProblem(answer, 'invalid_request')
      expect(problem.errors?.map(({ path }) => path).sort()).toEqual(['admin', 'password', 'role'])
    })

    it('can be closed', async () => {
      const closed = await startApp({ registration: 'closed' })
      try {
        await expectProblem(await closed.post('/auth/register', { email: newEmail(), password: PASSWORD }), 'forbidden')
      } finally {
        await closed.close()
      }
    })
  })

  describe('login', () => {
    it('takes a password exactly as it was set: case, spaces, NUL, composition and the 73rd byte matter', async () => {
      const email = newEmail()
      const password = `violet Tractor\u0000 caf\u00e9 ${'umbrella-'.repeat(8)}end `
      expect((await register(email, password)).status).toBe(201)
      expect((await login(email, password)).status).toBe(200)
      const others = [
        password.toLowerCase(),
        password.trimEnd(),
        password.slice(0, 72),
        password.replace('\u0000', ''),
        password.normalize('NFD'),
      ]
      for (const other of others) await expectProblem(await login(email, other), 'invalid_credentials')
    })

    it('starts another session of the same user', async () => {
      const first = await app.register()
      const answer = await login(first.user.email.toUpperCase())
      expect(answer.status).toBe(200)
      expect(answer.headers.get('cache-control')).toBe('no-store')
      const second = (await answer.json()) as typeof first
      expect(second.user).toEqual(first.user)
      expect(second.session_id).not.toBe(first.session_id)
    })

    it('answers an unknown e-mail and a wrong password alike', async () => {
      const { user } = await app.register()
      const wrong = await login(user.email, 'wrong password')
      const unknown = await login(newEmail(), 'wrong password')
      expect(await expectProblem(wrong, 'invalid_credentials')).toEqual(
        await expectProblem(unknown, 'invalid_credentials'),
      )
    })

    it('does the same work for an unknown e-mail', async () => {
      const { user } = await app.register()
      const timed = async (email: string) => {
        const start = performance.now()
        await (await login(email, 'wrong password')).arrayBuffer()
        return performance.now() - start
      }
      const known: number[] = []
      const unknown: number[] = []
      for (let round = 0; round < 9; round += 1) {
        known.push(await timed(user.email))
        unknown.push(await timed(newEmail()))
      }
      // Argon2 takes tens of milliseconds and everything else one or two: without the dummy the ratio is about ten.
      const ratio = median(known) / median(unknown)
      expect(ratio).toBeGreaterThan(1 / 3)
      expect(ratio).toBeLessThan(3)
    })

    it('takes the password as it is typed', async () => {
      const email = newEmail()
      const password = `  ${PASSWORD} `
      expect((await register(email, password)).status).toBe(201)
      await expectProblem(await login(email, PASSWORD), 'invalid_credentials')
      expect((await login(email, password)).status).toBe(200)
    })

    it('checks only the size of a password', async () => {
      await expectProblem(await login(newEmail(), 'x'), 'invalid_credentials')
      await expectProblem(await login(newEmail(), 'x'.repeat(1024)), 'invalid_credentials')
      await expectProblem(await login(newEmail(), 'x'.repeat(1025)), 'invalid_request')
    })
  })
})

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
