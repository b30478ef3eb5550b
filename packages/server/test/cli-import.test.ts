import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { hash } from '@node-rs/argon2'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withOperators } from '../src/cli/operators.ts'
import { backendsUnderTest } from './support/backends.ts'
import { rescind, rescindJson } from './support/command-line.ts'
import { newEmail, PASSWORD, type RunningApp, startApp } from './support/start-app.ts'

interface Counts {
  readonly imported: number
  readonly already_there: number
  readonly failed: number
}

const silentStreams = () => ({
  stdin: Readable.from([]),
  stdout: new PassThrough().resume(),
  stderr: new PassThrough().resume(),
})

let passwordHash: string
beforeAll(async () => {
  passwordHash = await hash(PASSWORD, { memoryCost: 8, timeCost: 1 })
})

describe.each(backendsUnderTest.slice(0, 2))('accounts are imported over $name', ({ prepare }) => {
  const settings = prepare()
  let directory: string
  let env: Record<string, string>
  let app: RunningApp
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'rescind-cli-import-'))
    env = { DATA_DIR: directory, ...(await settings()) }
    app = await startApp({ settings: env })
  })
  afterAll(async () => {
    await app.close()
    rmSync(directory, { recursive: true, force: true })
  })

  const line = (more: Record<string, unknown> = {}) =>
    JSON.stringify({ email: newEmail(), password_hash: passwordHash, ...more })
  const logIn = async (email: string) => (await app.post('/auth/login', { email, password: PASSWORD })).status
  const importing = (input: string | Readable, words: readonly string[] = []) =>
    rescind(['user', 'import', '-', ...words], env, { input, stdoutIsTty: false })

  it('with what is known of them, from a file that may be read again', async () => {
    const [plain, known] = [newEmail(), newEmail()]
    const file = join(directory, 'accounts.jsonl')
    const registered = '2019-05-06T07:08:09Z'
    writeFileSync(
      file,
      `\u{feff}${JSON.stringify({ email: plain, password_hash: passwordHash })}\r\n\n${JSON.stringify({
        email: known,
        password_hash: passwordHash,
        email_verified: false,
        id: `legacy:${known}`,
        registered_at: registered,
      })}`,
    )
    const words = ['user', 'import', file, '--reason', 'moved house']
    expect(await rescindJson<Counts>(words, env)).toEqual({ imported: 2, already_there: 0, failed: 0 })
    for (const email of [plain, known]) expect(await logIn(email)).toBe(200)
    const [shown] = await rescindJson<object[]>(['user', 'list', '--query', known], env)
    expect(shown).toMatchObject({
      id: `legacy:${known}`,
      email_verified: false,
      admin: false,
      registered_at: '2019-05-06T07:08:09.000Z',
    })
    expect(await rescindJson<Counts>(words, env)).toEqual({ imported: 0, already_there: 2, failed: 0 })
    const { stdout } = await rescind(['export', '--only', 'audit'], env)
    expect(stdout.match(/"user\.import".+"moved house"/g)?.length).toBe(2)
  })

  it('but for lines that cannot be used, which are told by their numbers and without their words', async () => {
    const [good, better] = [newEmail(), newEmail()]
    const taken = newEmail()
    const bad: readonly [string, RegExp][] = [
      ['{"email": "hunter2', /it is not JSON/],
      ['"hunter2"', /expected object/],
      ['[]', /expected object/],
      [line({ email: undefined }), /email: /],
      [line({ email: 'nobody' }), /not an e-mail address/],
      [line({ email: ['a@b.test'] }), /email: /],
      [line({ password_hash: 'hunter2' }), /hash is of no known form/],
      [line({ admin: true }), /admin/],
      [line({ __proto__: null, constructor: 1 }), /constructor/],
      [line({ id: 'a b' }), /id: may have 1 to 100 characters/],
      [line({ id: `legacy:${taken}` }), /Another account has this id/],
      [line({ registered_at: 'yesterday' }), /registered_at: /],
      [line({ email: 'x'.repeat(20_000) }), /longer than 16384 bytes/],
    ]
    const lines = [
      line({ email: taken, id: `legacy:${taken}` }),
      line({ email: good }),
      ...bad.map(([text]) => text),
      line({ email: better }),
    ]
    const { code, stdout, stderr } = await importing(lines.join('\n'))
    expect([code, JSON.parse(stdout)]).toEqual([1, { imported: 3, already_there: 0, failed: bad.length }])
    const told = stderr.trim().split('\n')
    for (const [at, [, pattern]] of bad.entries()) {
      expect(told[at]).toMatch(new RegExp(`^rescind: line ${at + 3}: .*${pattern.source}`))
    }
    expect(told.at(-1)).toBe(`rescind: ${bad.length} lines were left out: mend them and read the file again`)
    expect(stderr).not.toMatch(/hunter2|\$argon2/)
    for (const email of [good, better]) expect(await logIn(email)).toBe(200)
  })

  it('with administrators only where they are asked for, and nobody who was disabled gets in', async () => {
    const [email, gone] = [newEmail(), newEmail()]
    const left = '2024-01-02T03:04:05.000Z'
    const input = `${line({ email, admin: true })}\n${line({ email: gone, admin: false, disabled_at: left })}`
    const refused = await importing(input)
    expect([refused.code, JSON.parse(refused.stdout)]).toEqual([1, { imported: 1, already_there: 0, failed: 1 }])
    expect(refused.stderr).toMatch(/^rescind: line 1: admin: .+--with-admins/)
    expect([await logIn(email), await logIn(gone)]).toEqual([401, 401])
    const done = await importing(input, ['--with-admins', '--reason', 'our own'])
    expect([done.code, JSON.parse(done.stdout)]).toEqual([0, { imported: 1, already_there: 1, failed: 0 }])
    expect([await logIn(email), await logIn(gone)]).toEqual([200, 401])
    const shown = async (query: string) => (await rescindJson<object[]>(['user', 'list', '--query', query], env))[0]
    expect(await shown(email)).toMatchObject({ admin: true, disabled_at: null })
    expect(await shown(gone)).toMatchObject({ admin: false, disabled_at: left })
    expect((await rescind(['export', '--only', 'audit'], env)).stdout).toMatch(/"admin\.import".+"our own"/)
  })

  it('as another service has exported them, with their passwords', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'rescind-cli-elsewhere-'))
    const other = { DATA_DIR: elsewhere }
    try {
      const create = async (words: readonly string[] = []) => {
        const email = newEmail()
        await rescindJson(['user', 'create', '--email', email, ...words], other, PASSWORD)
        return email
      }
      const [plain, disabled] = [await create(), await create()]
      const admin = await create(['--admin'])
      expect((await rescind(['user', 'disable', disabled], other)).code).toBe(0)
      const { stdout } = await rescind(['export', '--only', 'users', '--with-password-hashes'], other)

      const counts = await rescindJson<Counts>(['user', 'import', '-', '--with-admins'], env, stdout)
      expect(counts).toEqual({ imported: 3, already_there: 0, failed: 0 })
      expect(await Promise.all([plain, admin, disabled].map(logIn))).toEqual([200, 200, 401])
      const listed = (where: Record<string, string>) => rescindJson<{ email: string }[]>(['user', 'list'], where)
      const there = await listed(other)
      expect(await listed(env)).toEqual(expect.arrayContaining(there))
      expect(there.map(({ email }) => email).sort()).toEqual([plain, disabled, admin].sort())
    } finally {
      rmSync(elsewhere, { recursive: true, force: true })
    }
  })

  it('once, where several import one id or one address at the same time', async () => {
    const terminal = { env, directory: '/nonexistent', user: 'operator', ...silentStreams() }
    await withOperators(terminal, async ({ operators, act }) => {
      const importAll = async (accounts: readonly { id: string; email: string }[]) => {
        const importing = accounts.map((one) => operators.users.import(act(undefined), { ...one, passwordHash }))
        const outcomes = await Promise.allSettled(importing)
        return outcomes.map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason.message))).sort()
      }
      const six = <T>(make: () => T) => Array.from({ length: 6 }, make)
      const [id, email] = [`raced:${newEmail()}`, newEmail()]
      const idTaken = 'Another account has this id.'
      expect(await importAll(six(() => ({ id, email: newEmail() })))).toEqual([
        ...six(() => idTaken).slice(1),
        'imported',
      ])
      const byAddress = await importAll(six(() => ({ id: newEmail(), email })))
      expect(byAddress).toEqual([...six(() => 'email_taken').slice(1), 'imported'])
    })
  })

  it('from bytes as they come, with the reports of a wrong file cut short', async () => {
    const email = newEmail()
    const text = Buffer.from(`${'nothing\n'.repeat(150)}${line({ email })}\n`)
    const pieces = Readable.from(
      (function* () {
        for (let at = 0; at < text.length; at += 7) yield text.subarray(at, at + 7)
      })(),
    )
    const { code, stdout, stderr } = await importing(pieces)
    expect([code, JSON.parse(stdout)]).toEqual([1, { imported: 1, already_there: 0, failed: 150 }])
    expect(stderr.split('\n').length).toBe(100 + 1 + 1 + 1)
    const broken = await importing(Readable.from([Buffer.from([0x22, 0xff, 0x22, 0x0a])]))
    expect(broken.stderr).toMatch(/^rescind: line 1: .+not UTF-8/)
  })
})

it('a file that cannot be read is named before anything is opened', async () => {
  for (const file of ['/nonexistent', tmpdir()]) {
    const { code, stdout, stderr } = await rescind(['user', 'import', file], { DATA_DIR: '/dev/null/x' })
    expect([code, stdout, stderr.split('\n').length]).toEqual([1, '', 2])
    expect(stderr).toMatch(new RegExp(`^rescind: ${file} cannot be read: .+`))
  }
})
