import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from 'rescind/testing'
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { build, failToStart, runCommand, type ServiceProcess, startService } from './support/process.ts'
import { bearer } from './support/start-app.ts'

let directory: string
let running: ServiceProcess[] = []
beforeAll(build, 120_000)
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rescind-keys-'))
})
afterEach(() => {
  for (const { child } of running) child.kill('SIGKILL')
  running = []
  rmSync(directory, { recursive: true, force: true })
})

async function start(settings: Record<string, string>): Promise<ServiceProcess> {
  const service = await startService(settings, directory)
  running.push(service)
  return service
}

const kidsOf = async ({ url }: ServiceProcess) =>
  ((await (await fetch(`${url}/.well-known/jwks.json`)).json()) as { keys: { kid: string }[] }).keys.map(
    ({ kid }) => kid,
  )

const newSecret = () => randomBytes(32).toString('base64url')

it('instances take up the key of the service as it was, publish a new one, and let go of a retired one', async () => {
  const alone = await start({})
  const [first = ''] = await kidsOf(alone)
  expect(await alone.stop('SIGTERM')).toBe(0)

  const settings = { KEY_ENCRYPTION_KEY: newSecret(), ISSUER: 'https://id.example.test' }
  const both = [await start(settings), await start(settings)]
  for (const service of both) {
    expect(await kidsOf(service)).toEqual([first])
    expect(service.stderr()).toContain('signing-key.json is not read any more')
    expect(service.stderr()).not.toContain(settings.KEY_ENCRYPTION_KEY)
  }
  const answer = await fetch(`${both[0]?.url}/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'one@example.test', password: 'violet-tractor-9-Umbrella' }),
  })
  const { access_token } = (await answer.json()) as { access_token: string }
  const statuses = () =>
    Promise.all(
      both.map(async ({ url }) => (await fetch(`${url}/auth/status`, { headers: bearer(access_token) })).status),
    )
  expect(await statuses()).toEqual([200, 200])

  const rotated = await runCommand(['keys', 'rotate', '--json'], settings, directory)
  expect(rotated).toMatchObject({ code: 0, stderr: '' })
  const { kid } = JSON.parse(rotated.stdout) as { kid: string }
  for (const service of both) await eventually(async () => (await kidsOf(service)).includes(kid))
  expect(await kidsOf(both[0] as ServiceProcess)).toEqual([first, kid])
  expect(await statuses()).toEqual([200, 200])

  expect(await runCommand(['keys', 'retire', first, '--yes'], settings, directory)).toEqual({
    code: 0,
    stdout: '',
    stderr: '',
  })
  for (const service of both) await eventually(async () => !(await kidsOf(service)).includes(first))
  expect(await statuses()).toEqual([401, 401])
}, 60_000)

it('a start with another secret, or none, is refused with one line that does not tell it', async () => {
  const settings = { KEY_ENCRYPTION_KEY: newSecret() }
  expect(await (await start(settings)).stop('SIGTERM')).toBe(0)
  const other = newSecret()
  const refused: [Record<string, string>, RegExp][] = [
    [{ KEY_ENCRYPTION_KEY: other }, /^rescind: KEY_ENCRYPTION_KEY holds another key than .+\n$/],
    [{}, /^rescind: KEY_ENCRYPTION_KEY is not set, but .+\n$/],
    [{ KEY_ENCRYPTION_KEY: 'hunter2' }, /^rescind: KEY_ENCRYPTION_KEY holds an unusable value .+\n$/],
    [{ KEY_ENCRYPTION_KEY: other, SIGNING_KEY: 'x' }, /^rescind: SIGNING_KEY and KEY_ENCRYPTION_KEY are both set.+\n$/],
  ]
  for (const [wrong, line] of refused) {
    const { code, stdout, stderr } = await failToStart(wrong, directory)
    expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: '', stderr: expect.stringMatching(line) })
    expect(stderr).not.toMatch(new RegExp(`${other}|hunter2`))
  }
}, 60_000)
