import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from 'rescind/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { rescind, rescindJson } from './support/command-line.ts'
import { type RunningApp, startApp, type Tokens } from './support/start-app.ts'

let directory: string
let env: Record<string, string>
let app: RunningApp
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'rescind-cli-revoke-'))
  env = { DATA_DIR: directory }
  app = await startApp({ settings: env })
})
afterAll(async () => {
  await app.close()
  rmSync(directory, { recursive: true, force: true })
})

const statusOf = async ({ access_token }: Tokens) => (await app.get('/auth/status', access_token)).status

it('kills a whole token that comes by standard input, and takes none as an argument', async () => {
  const pair = await app.register()
  const shown = await rescind(['revoke', 'token', pair.access_token], env)
  expect([shown.code, shown.stdout]).toEqual([2, ''])
  expect(shown.stderr).toMatch(/^rescind: this is a whole token: give it by standard input/)
  expect(shown.stderr).not.toContain(pair.access_token.slice(0, 30))
  expect(await statusOf(pair)).toBe(200)

  const done = await rescind(['revoke', 'token', '-', '--reason', 'in a log'], env, { input: `${pair.access_token}\n` })
  expect(done).toEqual({ code: 0, stdout: '', stderr: '' })
  await eventually(async () => (await statusOf(pair)) === 401)
  for (const input of ['', 'x', 'a.b.c']) {
    expect((await rescind(['revoke', 'token', '-'], env, { input })).code).toBe(2)
  }
})

it('kills a session, known or not, also one whose id begins with a hyphen', async () => {
  const pair = await app.register()
  expect((await rescind(['revoke', 'session', pair.session_id], env)).code).toBe(0)
  await eventually(async () => (await statusOf(pair)) === 401)
  expect((await rescind(['revoke', 'session', '-foreign-', '--reason', 'x'], env)).code).toBe(0)
  expect((await rescind(['revoke', 'session', '--', '--foreign'], env)).code).toBe(0)
  const { stdout } = await rescind(['export', '--only', 'revocations'], env)
  const records = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string; by: string; reason: string })
  expect(records).toContainEqual(expect.objectContaining({ kind: 'session', id: '-foreign-', reason: 'x' }))
  expect(records).toContainEqual(
    expect.objectContaining({ kind: 'session', id: '--foreign', by: expect.stringContaining('operator') }),
  )
})

it('kills everything only when it was told to, after it has said what that ends', async () => {
  const pair = await app.register()
  const { length } = await rescindJson<unknown[]>(['session', 'list', pair.user.email], env)
  expect(length).toBe(1)
  const refused = await rescind(['revoke', 'everything'], env)
  expect([refused.code, refused.stdout]).toEqual([2, ''])
  expect(refused.stderr).toMatch(
    /^rescind: this logs everybody out: it ends \d+ live sessions?; .+add --yes to do it\n$/,
  )
  expect(await statusOf(pair)).toBe(200)
  expect(await rescind(['revoke', 'everything', '--yes'], env)).toEqual({ code: 0, stdout: '', stderr: '' })
  await eventually(async () => (await statusOf(pair)) === 401)
  expect(await rescindJson(['session', 'list', pair.user.email], env)).toEqual([])
})

it.each([
  [['revoke']],
  [['revoke', 'everyone']],
  [['revoke', 'token']],
  [['revoke', 'subject', 'a', 'b']],
  [['revoke', 'everything', 'now', '--yes']],
  [['revoke', 'session', 'x', '--reason', 'a\u001b[2Jb']],
  [['revoke', 'session', 'x', '--reason', 'r'.repeat(501)]],
  [['revoke', 'session', 'x', '--reason', '']],
  [['user', 'create', '--email', 'nobody']],
  [['user', 'list', '--limit', '0']],
  [['user', 'list', '--limit', '1e3']],
  [['user', 'disable']],
  [['user', 'import']],
  [['session', 'list']],
  [['export', '--only', 'secrets']],
  [['prune', 'now']],
])('does not guess what %o may mean', async (args) => {
  const { code, stdout, stderr } = await rescind(args, env)
  expect({ code, stdout, lines: stderr.split('\n').length }).toEqual({ code: 2, stdout: '', lines: 2 })
  expect(stderr).toMatch(/^rescind: /)
  expect(stderr).not.toContain('\u001b')
})
