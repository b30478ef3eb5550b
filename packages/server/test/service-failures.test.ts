import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Config, readConfig } from '../src/config.ts'
import { createService, type Service } from '../src/service.ts'
import { command, query, usePostgres, useRedis } from './support/servers.ts'

const database = usePostgres()
const redis = useRedis()

let directory: string
let databaseUrl: string
let redisUrl: string
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'rescind-failures-'))
  databaseUrl = await database()
  redisUrl = redis()
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const lines: string[] = []
function start(settings: Record<string, string>, changes: Partial<Config> = {}): Promise<Service> {
  lines.length = 0
  const config = readConfig({ DATA_DIR: directory, ...settings })
  return createService({ ...config, ...changes }, { write: (line) => lines.push(line) })
}

const inPostgres = async () =>
  Number(
    (
      await query(
        databaseUrl,
        'SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      )
    )[0]?.count,
  )
const inRedis = async () => String(await command(redisUrl, ['CLIENT', 'LIST'])).match(/ name=rescind /g)?.length ?? 0

/**
 * Expects that whatever was open on either server is closed, and stays so for a second: what goes on after a start has
 * failed may open something later.
 */
async function expectNothingOpen(): Promise<void> {
  const seen: number[] = []
  const look = async () => {
    seen.push((await inPostgres()) + (await inRedis()))
    return seen.slice(-5)
  }
  await expect.poll(look, { timeout: 15_000, interval: 250 }).toEqual([0, 0, 0, 0, 0])
}

const accounts = () => ({ DATABASE_URL: databaseUrl, REDIS_URL: redisUrl })
const sessions = () => ({ REDIS_URL: redisUrl })

describe('a start that fails half-way leaves nothing open and says why', () => {
  const failures: readonly { readonly at: string; readonly changes: Partial<Config>; readonly reason: RegExp }[] = [
    { at: 'the way to the mail server', changes: { smtpUrl: 'nonsense' }, reason: /Invalid URL/ },
    { at: 'the application', changes: { publicUrl: 'nonsense' }, reason: /Invalid URL/ },
  ]
  it.each(failures)('at $at', async ({ changes, reason }) => {
    for (const settings of [accounts(), sessions()]) {
      await expect(start(settings, changes)).rejects.toThrow(reason)
      await expectNothingOpen()
    }
  })

  it('and the log has the warnings that there were until then, in its own form', async () => {
    await expect(start(sessions(), { smtpUrl: 'nonsense' })).rejects.toThrow(/Invalid URL/)
    const logged = lines.map((line) => JSON.parse(line) as unknown)
    expect(logged).toEqual([
      expect.objectContaining({ level: 40, msg: expect.stringMatching(/^Redis does not persist/) as unknown }),
    ])
  })

  it('at a setting that turns out unusable late', async () => {
    const admin = { ADMIN_EMAIL: 'root@example.test', ADMIN_PASSWORD: 'password1' }
    for (const settings of [accounts(), sessions()]) {
      await expect(start({ ...settings, ...admin })).rejects.toThrow(/ADMIN_PASSWORD holds a password that is too weak/)
      await expectNothingOpen()
    }
  })
})

it('an end where something cannot be closed closes the rest, names it in the log and rejects', async () => {
  for (const settings of [accounts(), sessions()]) {
    const { app, close } = await start(settings)
    await expect.poll(inRedis, { timeout: 10_000 }).toBeGreaterThan(0)
    const closeReally = app.close
    Object.assign(app, { close: () => Promise.reject(new Error('a hook of the application is stuck')) })
    try {
      await expect(close(0)).rejects.toThrow('a hook of the application is stuck')
      await expectNothingOpen()
      expect(lines.join('')).toContain('the application could not be closed: a hook of the application is stuck')
    } finally {
      await closeReally()
    }
  }
})
