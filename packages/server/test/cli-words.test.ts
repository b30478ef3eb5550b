import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCommandLine } from '../src/cli/run.ts'
import { rescind } from './support/command-line.ts'

let directory: string
let env: Record<string, string>
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'rescind-cli-words-'))
  env = { DATA_DIR: join(directory, 'data') }
  await rescind(['migrate', 'up'], env)
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('what nobody can make sense of is told in one line that says where to look', () => {
  it.each<[words: string[], told: RegExp]>([
    [['user', 'list', '--nope'], /Unknown option '--nope'.+; see rescind user list --help/],
    [['user', 'list', '--limit'], /Option '--limit <value>' argument missing; see rescind user list --help/],
    [['user', 'list', '--limit', '-5'], /Option '--limit'.+ambiguous.+--option=-value; see rescind user list --help/],
    [['user', 'list', '--json=yes'], /Option '--json' does not take an argument; see rescind user list --help/],
    [['user', 'disable', ''], /<user> is empty: rescind user disable <user>/],
    [['revoke', 'subject', ' \t'], /<user> is empty: rescind revoke subject <user>/],
    [['client', 'delete', ''], /<client id> is empty: rescind client delete <client id>/],
    [['user', 'import', ''], /<file or -> is empty: rescind user import <file or ->/],
    [['help', 'nope'], /there is no command "nope"; see rescind --help/],
  ])('%j', async (words, told) => {
    expect(await rescind(words, env)).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(new RegExp(`^rescind: ${told.source}\n$`)),
    })
  })
})

it('help of a command or a group can be asked for in either order', async () => {
  for (const words of [['user'], ['user', 'create'], ['serve']]) {
    expect(await rescind(['help', ...words], env)).toEqual(await rescind([...words, '--help'], env))
  }
  expect(await rescind(['help'], env)).toEqual(await rescind(['--help'], env))
})

it('the version is shown', async () => {
  expect(await rescind(['--version'], env)).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    stderr: '',
  })
})

it('who stands in the wrong directory is told that there was no database', async () => {
  const [elsewhere, other] = [join(directory, 'elsewhere'), join(directory, 'other')]
  const told = (path: string) =>
    `rescind: there is no database in ${JSON.stringify(path)} (DATA_DIR) yet: a new one is made\n`
  const listed = await rescind(['user', 'list'], { DATA_DIR: elsewhere })
  expect(listed).toEqual({ code: 0, stdout: '(none)\n', stderr: told(elsewhere) })
  expect((await rescind(['client', 'list'], { DATA_DIR: other })).stderr).toBe(told(other))
  for (const path of [elsewhere, other]) {
    expect(existsSync(path)).toBe(true)
    expect((await rescind(['user', 'list'], { DATA_DIR: path })).stderr).toBe('')
  }
})

describe('output that cannot be written', () => {
  /** Runs a command whose output ends as this error. */
  const writingTo = async (words: string[], code: string): Promise<[number, string]> => {
    let told = ''
    const stdout = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error(`${code}: it is so`), { code })),
    }).on('error', () => {})
    const stderr = new Writable({
      write(chunk, _encoding, done) {
        told += String(chunk)
        done()
      },
    })
    const terminal = { env, directory, user: 'operator', stdin: process.stdin, stdout, stderr }
    return [await runCommandLine(words, terminal), told]
  }
  const create = ['client', 'create', '--name', 'gate', '--scope', 'introspect']

  it('is a failure, since what is shown once is lost', async () => {
    for (const words of [create, ['user', 'list'], ['export'], ['--help']]) {
      const [code, told] = await writingTo(words, 'ENOSPC')
      expect([code, told.split('\n').at(-2)]).toEqual([1, 'rescind: the output cannot be written: ENOSPC: it is so'])
    }
  })

  it('is none where the reader has gone, but for an export, which would pass for a whole one', async () => {
    expect(await writingTo(['user', 'list'], 'EPIPE')).toEqual([0, ''])
    expect(await writingTo(['export'], 'EPIPE')).toEqual([1, 'rescind: nobody reads the output any more\n'])
  })
})
