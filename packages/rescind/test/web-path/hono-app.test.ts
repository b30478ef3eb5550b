import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const path = (name: string) => join(import.meta.dirname, name)

it('a Hono app issues, checks, refreshes and revokes where there is nothing of Node', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--experimental-vm-modules',
    '--no-warnings',
    path('web-realm.mjs'),
    path('hono-app.mjs'),
  ])
  const { nodeGlobals, nodeModule, ...answers } = JSON.parse(stdout)
  expect({ nodeGlobals, nodeModule }).toEqual({ nodeGlobals: [], nodeModule: 'refused' })
  const alice = { status: 200, sub: 'alice' }
  const expected = {
    login: 200,
    refresh: 200,
    fresh: alice,
    refreshed: alice,
    again: alice,
    forged: { status: 401, code: 'token_invalid' },
    none: 401,
    cookie: 200,
    withoutCsrf: 'csrf_failed',
    logout: 204,
    revoked: { status: 401, code: 'token_revoked' },
    refreshRevoked: 'token_revoked',
    otherSession: alice,
  }
  expect(answers).toEqual({ HS256: expected, EdDSA: expected, ES256: expected, PS256: expected })
})
