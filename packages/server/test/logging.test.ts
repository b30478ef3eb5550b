import { expect, it } from 'vitest'
import type { Database } from '../src/database.ts'
import type { Users } from '../src/repositories/users.ts'
import { expectProblem } from './support/problems.ts'
import { sendRaw } from './support/raw-http.ts'
import { bearer, newEmail, PASSWORD, startApp, type Tokens } from './support/start-app.ts'

it.each(['debug', 'trace'])('writes no password and no token at level %s', async (level) => {
  const lines: string[] = []
  const app = await startApp({ log: { level, stream: { write: (line) => lines.push(line) } } })
  const canary = 'canary-7f3a'
  const secrets = [PASSWORD, canary]
  try {
    const first = await app.register()
    await app.post('/auth/login', { email: first.user.email, password: PASSWORD })
    await app.post('/auth/login', { email: first.user.email, password: `${canary} wrong` })
    await app.post('/auth/login', `{"password":"${canary}`)
    await app.post('/auth/login', canary, { 'content-type': canary })
    const answer = await app.post('/auth/refresh', { refresh_token: first.refresh_token })
    const second = (await answer.json()) as Tokens
    await app.get(`/auth/status?access_token=${second.access_token}`, second.access_token)
    await app.get(`/reset/${canary}?token=${canary}`)
    await fetch(`${app.url}/health/live`, { headers: { 'x-request-id': canary, 'request-id': canary, cookie: canary } })
    await sendRaw(app.port, `GET /%zz${canary} HTTP/1.1\r\nHost: ${canary}\r\nConnection: close\r\n\r\n`)
    await sendRaw(app.port, `${canary}\r\nAuthorization: Bearer ${second.access_token}\r\n\r\n`)
    await app.post('/auth/logout', undefined, bearer(second.access_token))
    await app.post('/auth/logout', undefined, bearer(second.access_token))
    for (const tokens of [first, second]) {
      // The signature alone would do, so each part is looked for.
      secrets.push(...tokens.access_token.split('.').slice(1), ...tokens.refresh_token.split('.').slice(1))
    }
  } finally {
    await app.close()
  }
  const log = lines.join('')
  expect(log).toContain('/auth/login')
  expect(lines.length).toBeGreaterThan(20)
  expect(secrets.filter((secret) => log.includes(secret))).toEqual([])
})

it('logs an unexpected error and shows none of it', async () => {
  const lines: string[] = []
  const fail = () => Promise.reject(new Error('SQLITE_CORRUPT: the driver says so'))
  const users = { byEmailKey: fail, someHash: fail } as Partial<Users>
  const app = await startApp({
    database: { users } as unknown as Database,
    log: { level: 'info', stream: { write: (line) => lines.push(line) } },
  })
  try {
    const answer = await app.post('/auth/login', { email: newEmail(), password: PASSWORD })
    const problem = await expectProblem(answer, 'internal_error')
    expect(JSON.stringify(problem)).not.toMatch(/SQLITE|driver/)
  } finally {
    await app.close()
  }
  expect(lines.join('')).toContain('SQLITE_CORRUPT')
})
