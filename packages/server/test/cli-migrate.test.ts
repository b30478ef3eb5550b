import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrationsFor } from '../src/migrations/index.ts'
import { openSqlite } from '../src/sqlite-database.ts'
import { backendsUnderTest } from './support/backends.ts'
import { rescind, rescindJson } from './support/command-line.ts'
import { query } from './support/servers.ts'

interface Step {
  readonly name: string
  readonly state: string
  readonly applied_at: string | null
}

const names = Object.keys(migrationsFor('sqlite'))
const last = names.at(-1) ?? ''

describe.each(backendsUnderTest.slice(0, 2))('the schema over $name', ({ name, prepare }) => {
  const settings = prepare()
  let directory: string
  let env: Record<string, string>
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'rescind-cli-migrate-'))
    env = { DATA_DIR: join(directory, 'data'), ...(await settings()) }
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  const states = async (...words: string[]) =>
    Object.fromEntries((await rescindJson<Step[]>(['migrate', ...words], env)).map(({ name, state }) => [name, state]))
  const all = (state: string) => Object.fromEntries(names.map((name) => [name, state]))
  const execute = async (statement: string) => {
    if (env.DATABASE_URL !== undefined) return query(env.DATABASE_URL, statement)
    const connection = openSqlite(join(env.DATA_DIR ?? '', 'rescind.db'))
    try {
      return connection.exec(statement)
    } finally {
      connection.close()
    }
  }

  it('is looked at without a change, brought up, and taken back by one step at a time', async () => {
    expect(await states()).toEqual(all('pending'))
    expect(existsSync(env.DATA_DIR ?? '')).toBe(false)
    if (env.DATABASE_URL !== undefined) {
      expect(await query(env.DATABASE_URL, `SELECT FROM pg_tables WHERE schemaname = 'public'`)).toEqual([])
    }
    const nothing = await rescind(['migrate', 'down', '--yes'], env)
    expect(nothing).toEqual({ code: 1, stdout: '', stderr: expect.stringMatching(/^rescind: no step was applied/) })

    expect(await states('up')).toEqual(all('applied'))
    expect(await states('status')).toEqual(all('applied'))
    const shown = await rescind(['migrate'], env)
    expect(shown.stdout).toMatch(/^NAME +STATE +APPLIED AT\n0001-users +applied +\d{4}-/)

    const refused = await rescind(['migrate', 'down'], env)
    expect([refused.code, refused.stdout]).toEqual([2, ''])
    expect(refused.stderr).toMatch(new RegExp(`^rescind: this takes back ${last}, and all .+ is lost; .+--yes`))
    expect(await states()).toEqual(all('applied'))
    expect(await states('down', '--yes')).toEqual({ ...all('applied'), [last]: 'pending' })
    expect(await states('up')).toEqual(all('applied'))
  })

  it('is left alone where a newer version has changed it', async () => {
    await states('up')
    await execute(`INSERT INTO kysely_migration (name, timestamp) VALUES ('9999-later', '2999-01-01T00:00:00.000Z')`)
    expect(await states()).toEqual({ ...all('applied'), '9999-later': 'of a newer version' })
    for (const words of [['down', '--yes'], ['up']]) {
      const { code, stdout, stderr } = await rescind(['migrate', ...words], env)
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toMatch(/^rescind: .*a newer version .+9999-later.*\n$/)
    }
  })

  it('is named in one line where it cannot be reached', async () => {
    const nowhere: Record<string, string> =
      name === 'PostgreSQL' ? { DATABASE_URL: 'postgres://u:hunter2@127.0.0.1:1/none' } : { DATA_DIR: directory }
    // What is no database.
    mkdirSync(join(directory, 'rescind.db'), { recursive: true })
    for (const words of [['status'], ['down', '--yes'], ['up']]) {
      const { code, stdout, stderr } = await rescind(['migrate', ...words], { ...env, ...nowhere })
      expect([code, stdout, stderr.split('\n').length]).toEqual([1, '', 2])
      expect(stderr).toMatch(/^rescind: (DATABASE_URL names 127\.0\.0\.1:1|DATA_DIR holds )/)
      expect(stderr).not.toContain('hunter2')
    }
  })
})
