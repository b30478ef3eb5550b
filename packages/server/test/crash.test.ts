import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { build, type ServiceProcess, startService } from './support/process.ts'
import { bearer, PASSWORD, type Tokens } from './support/start-app.ts'

let directory: string
let service: ServiceProcess
beforeAll(build, 120_000)
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rescind-crash-'))
})
afterEach(() => {
  service.child.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
})

async function call(method: string, path: string, options: { body?: unknown; token?: string } = {}) {
  const answer = await fetch(service.url + path, {
    method,
    headers: {
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(options.token === undefined ? {} : bearer(options.token)),
    },
    ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
  })
  const text = await answer.text()
  return { status: answer.status, body: (text === '' ? {} : JSON.parse(text)) as Tokens & { code?: string } }
}

const jwks = async () => (await fetch(`${service.url}/.well-known/jwks.json`)).text()

it('an acknowledged logout survives kill -9, every time', async () => {
  const settings = { DATA_DIR: join(directory, 'data') }
  service = await startService(settings, directory)
  const keys = await jwks()
  for (let round = 0; round < 5; round += 1) {
    const credentials = { email: `round-${round}@example.test`, password: PASSWORD }
    const registered = await call('POST', '/auth/register', { body: credentials })
    expect(registered.status).toBe(201)
    const refreshed = await call('POST', '/auth/refresh', { body: { refresh_token: registered.body.refresh_token } })
    expect(refreshed.status).toBe(200)
    const kept = await call('POST', '/auth/login', { body: credentials })
    expect((await call('POST', '/auth/logout', { token: refreshed.body.access_token })).status).toBe(204)
    expect(await service.stop('SIGKILL')).toBe('SIGKILL')

    service = await startService(settings, directory)
    for (const { body } of [registered, refreshed]) {
      const status = await call('GET', '/auth/status', { token: body.access_token })
      expect(status).toMatchObject({ status: 401, body: { code: 'token_revoked' } })
    }
    const refresh = await call('POST', '/auth/refresh', { body: { refresh_token: refreshed.body.refresh_token } })
    expect(refresh).toMatchObject({ status: 401, body: { code: 'token_revoked' } })
    // The other session of the same user lives, the key is the same, and the account is still there.
    expect((await call('GET', '/auth/status', { token: kept.body.access_token })).status).toBe(200)
    expect((await call('POST', '/auth/login', { body: credentials })).status).toBe(200)
    expect(await jwks()).toBe(keys)
  }
}, 60_000)
