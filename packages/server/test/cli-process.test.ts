import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { eventually } from 'rescind/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { build, runCommand, type ServiceProcess, startService } from './support/process.ts'
import { bearer, newEmail, PASSWORD, type Tokens } from './support/start-app.ts'

const main = join(import.meta.dirname, '../dist/main.js')

let directory: string
let service: ServiceProcess
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'rescind-cli-process-'))
  await build()
  service = await startService({}, directory)
}, 120_000)
afterAll(async () => {
  await service?.stop('SIGTERM')
  rmSync(directory, { recursive: true, force: true })
})

async function post(path: string, body: unknown): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  return fetch(`${service.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
}

async function register(): Promise<Tokens> {
  return (await (await post('/auth/register', { email: newEmail(), password: PASSWORD })).json()) as Tokens
}

const statusOf = async ({ access_token }: Tokens) =>
  (await fetch(`${service.url}/auth/status`, { headers: bearer(access_token) })).status

interface Conversation {
  /** Everything that the terminal showed. */
  shown(): string
  /** Waits for a question after the last answer, and types. */
  answer(question: string, typed: string): Promise<void>
  /** The exit code. */
  ended(): Promise<number | null>
}

/** Runs `rescind` on a terminal of its own, as a person would. */
function onTerminal(words: readonly string[]): Conversation {
  // It is born without a size.
  const program = [process.execPath, main, ...words].map((word) => `'${word}'`).join(' ')
  const command = `stty cols 120 rows 30; exec ${program}`
  const child = spawn('script', ['--quiet', '--flush', '--return', '--command', command, '/dev/null'], {
    cwd: directory,
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', TERM: 'xterm' },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const closed = once(child, 'close') as Promise<[number | null]>
  let text = ''
  let answered = 0
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  return {
    shown: () => text,
    async answer(question, typed) {
      await eventually(() => text.indexOf(question, answered) >= 0)
      answered = text.length
      child.stdin.write(typed)
    },
    ended: async () => (await closed)[0],
  }
}

it('a revocation at the command line holds in the running service at once, and a pipe gets JSON', async () => {
  const pair = await register()
  expect(await statusOf(pair)).toBe(200)
  const done = await runCommand(['revoke', 'subject', pair.user.email, '--reason', 'a drill'], {}, directory)
  expect(done).toEqual({ code: 0, stdout: '', stderr: '' })
  await eventually(async () => (await statusOf(pair)) === 401)
  const exported = await runCommand(['export', '--only', 'audit'], {}, directory)
  expect(JSON.parse(exported.stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({
    action: 'revocation.create',
    actor: { kind: 'command_line', id: userInfo().username },
    target: { kind: 'subject', id: pair.user.id },
    reason: 'a drill',
  })
  const listed = await runCommand(['user', 'list'], {}, directory)
  expect(JSON.parse(listed.stdout)).toContainEqual(expect.objectContaining({ id: pair.user.id }))
})

it('asks for a password on a terminal, twice and without showing it, and shows a table', async () => {
  const email = newEmail()
  const terminal = onTerminal(['user', 'create', '--email', email])
  await terminal.answer(`password of ${email}`, `${PASSWORD}\r`)
  await terminal.answer('once more', `${PASSWORD}\r`)
  expect(await terminal.ended()).toBe(0)
  expect(terminal.shown()).toMatch(new RegExp(`\nemail +${email}\r?\n`))
  expect(terminal.shown()).not.toContain(PASSWORD.slice(0, 3))
  expect((await post('/auth/login', { email, password: PASSWORD })).status).toBe(200)

  const mistyped = onTerminal(['user', 'create', '--email', newEmail()])
  await mistyped.answer('password of', `${PASSWORD}\r`)
  await mistyped.answer('once more', `${PASSWORD}x\r`)
  expect(await mistyped.ended()).toBe(1)
  expect(mistyped.shown()).toContain('rescind: the two are not the same')
})

it('asks before it logs everybody out, says whom, and takes a no for a no', async () => {
  const pair = await register()
  const spared = onTerminal(['revoke', 'everything'])
  await spared.answer('Do it?', 'n')
  expect(await spared.ended()).toBe(1)
  expect(spared.shown()).toMatch(/rescind: this logs everybody out: it ends \d+ live sessions?\r?\n/)
  expect(spared.shown()).toContain('rescind: nothing was done')
  expect(await statusOf(pair)).toBe(200)

  const done = onTerminal(['revoke', 'everything'])
  await done.answer('Do it?', 'y')
  expect(await done.ended()).toBe(0)
  await eventually(async () => (await statusOf(pair)) === 401)
})

it('shows how far it is on a terminal, and ends where nobody reads what it writes', async () => {
  const lines = Array.from({ length: 400 }, () => {
    return `{"email":"${newEmail()}","password_hash":"$2b$10$${'a'.repeat(53)}","id":"${newEmail()}"}`
  })
  writeFileSync(join(directory, 'accounts.jsonl'), lines.join('\n'))
  const importing = onTerminal(['user', 'import', 'accounts.jsonl'])
  expect(await importing.ended()).toBe(0)
  expect(importing.shown()).toMatch(/accounts \[#+-*\] \d+ % {2}\d+/)
  expect(importing.shown()).toMatch(/imported +400\r?\n/)

  const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' }
  const child = spawn(process.execPath, [main, 'export'], { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.once('data', () => child.stdout.destroy())
  let told = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    told += chunk
  })
  const [code] = (await once(child, 'close')) as [number | null]
  expect([code, told]).toEqual([1, expect.stringMatching(/^rescind: .*output.*\n$/)])
})
