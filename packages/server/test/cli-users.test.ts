import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { eventually } from 'rescind/testing'
import type { Session } from 'rescind/wire'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { backendsUnderTest } from './support/backends.ts'
import { rescind, rescindJson } from './support/command-line.ts'
import { newEmail, PASSWORD, type RunningApp, startApp, type Tokens } from './support/start-app.ts'

interface ShownUser {
  readonly id: string
  readonly email: string
  readonly admin: boolean
  readonly disabled_at: string | null
}

interface AuditLine {
  readonly action: string
  readonly actor: { readonly kind: string; readonly id: string }
  readonly target: { readonly kind: string; readonly id: string | null } | null
  readonly reason: string | null
}

describe.each(backendsUnderTest)('accounts at the command line over $name', ({ prepare }) => {
  const settings = prepare()
  let directory: string
  let env: Record<string, string>
  let app: RunningApp
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'rescind-cli-users-'))
    env = { DATA_DIR: directory, ...(await settings()) }
    app = await startApp({ settings: env })
  })
  afterAll(async () => {
    await app.close()
    rmSync(directory, { recursive: true, force: true })
  })

  const statusOf = async ({ access_token }: Tokens) => (await app.get('/auth/status', access_token)).status
  const logIn = async (email: string, password = PASSWORD) =>
    (await app.post('/auth/login', { email, password })).status
  const audit = async () => {
    const { stdout } = await rescind(['export', '--only', 'audit'], env)
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditLine)
  }

  it('are made with a password by standard input, and log in to the running service', async () => {
    const email = newEmail()
    const words = ['user', 'create', '--email', email, '--admin', '--reason', 'first of them']
    const made = await rescindJson<ShownUser>(words, env, `${PASSWORD}\nnot this line\n`)
    expect(made).toMatchObject({ email, email_verified: true, admin: true, disabled_at: null })
    expect(await logIn(email)).toBe(200)
    const [entry] = (await audit()).filter(({ target }) => target?.id === made.id)
    expect(entry).toMatchObject({ actor: { kind: 'command_line', id: 'operator' }, reason: 'first of them' })

    const taken = await rescind(words, env, { input: PASSWORD })
    expect([taken.code, taken.stdout]).toEqual([1, ''])
    expect(taken.stderr).toMatch(/^rescind: There is an account with this e-mail address.*\n$/)
    const weak = await rescind(['user', 'create', '--email', newEmail()], env, { input: 'password1' })
    expect([weak.code, weak.stdout]).toEqual([1, ''])
    const short = await rescind(['user', 'create', '--email', newEmail()], env, { input: 'short' })
    expect(short.stderr).toMatch(/^rescind: .+password: .+\n$/)
    for (const { stderr } of [weak, short]) expect(stderr).not.toMatch(/password1|'short'/)
  })

  it('are not made with a password that is typed for everybody to see', async () => {
    const keyboard = Object.assign(Readable.from([`${PASSWORD}\n`]), { isTTY: true })
    const words = ['user', 'create', '--email', newEmail()]
    for (const options of [{}, { stderrIsTty: true }]) {
      const flags = Object.keys(options).length === 0 ? [] : ['--password-stdin']
      const { code, stdout, stderr } = await rescind([...words, ...flags], env, { input: keyboard, ...options })
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr).toMatch(/^rescind: standard input is a terminal; it may be a file or a pipe/)
    }
  })

  it('are disabled and enabled by address or id, and the running service goes by it at once', async () => {
    const pair = await app.register()
    const { id, email } = pair.user
    const disabled = await rescind(['user', 'disable', email, '--reason', 'left'], env)
    expect(disabled).toEqual({ code: 0, stdout: '', stderr: '' })
    await eventually(async () => (await statusOf(pair)) === 401)
    expect(await logIn(email)).toBe(401)
    expect(await rescindJson<ShownUser[]>(['user', 'list', '--query', email], env)).toEqual([
      expect.objectContaining({ id, disabled_at: expect.stringMatching(/Z$/) }),
    ])
    expect((await rescind(['user', 'enable', id], env)).code).toBe(0)
    expect(await logIn(email)).toBe(200)
    expect(await statusOf(pair)).toBe(401)
    const acts = (await audit()).filter(({ target }) => target?.id === id)
    expect(acts.map(({ action, reason }) => [action, reason])).toEqual([
      ['user.enable', null],
      ['user.disable', 'left'],
    ])
  })

  it('are listed as a table on a terminal and as JSON elsewhere, and who is not there is said so', async () => {
    const { user } = await app.register()
    const shown = await rescind(['user', 'list', '--limit', '1'], env)
    expect(shown.stdout).toMatch(new RegExp(`^ID +EMAIL +EMAIL VERIFIED .+\n${user.id}  ${user.email} +no +no `))
    expect(shown.stderr).toMatch(/^rescind: there are more: --limit/)
    expect(await rescindJson<ShownUser[]>(['user', 'list', '--query', 'nobody@'], env)).toEqual([])
    expect((await rescind(['user', 'list', '--query', 'nobody@'], env)).stdout).toBe('(none)\n')
    for (const word of ['nobody@example.test', 'nobody']) {
      expect(await rescind(['user', 'disable', word], env)).toEqual({
        code: 1,
        stdout: '',
        stderr: expect.stringMatching(/^rescind: no account has this (address|id); see rescind user list\n$/),
      })
    }
  })

  it('have sessions that are listed and ended one by one', async () => {
    const [kept, ended] = [await app.register(), await app.register()]
    const login = await app.post('/auth/login', { email: kept.user.email, password: PASSWORD })
    const second = (await login.json()) as Tokens
    const sessions = await rescindJson<{ id: string }[]>(['session', 'list', kept.user.email], env)
    expect(sessions.map(({ id }) => id)).toEqual([second.session_id, kept.session_id])
    const answer = await app.get('/auth/sessions', second.access_token)
    const { sessions: shown } = (await answer.json()) as { sessions: readonly Session[] }
    // The service writes times of use down now and then.
    const unused = { last_used_at: expect.any(String), current: false }
    expect(sessions).toEqual(shown.map((session) => ({ ...session, ...unused })))
    const asTable = (await rescind(['session', 'list', kept.user.email], env)).stdout
    expect(asTable).toMatch(/^ID +CREATED AT +LAST USED AT +EXPIRES AT +IP +DEVICE\n/)
    expect((await rescind(['session', 'revoke', second.session_id], env)).code).toBe(0)
    await eventually(async () => (await statusOf(second)) === 401)
    expect(await statusOf(kept)).toBe(200)
    expect(await rescind(['session', 'revoke', second.session_id], env)).toMatchObject({ code: 1, stdout: '' })

    expect((await rescind(['revoke', 'subject', ended.user.email], env)).code).toBe(0)
    await eventually(async () => (await statusOf(ended)) === 401)
    const { jti } = JSON.parse(Buffer.from(kept.access_token.split('.')[1] ?? '', 'base64url').toString())
    expect((await rescind(['revoke', 'token', jti], env)).code).toBe(0)
    await eventually(async () => (await statusOf(kept)) === 401)
  })
})
