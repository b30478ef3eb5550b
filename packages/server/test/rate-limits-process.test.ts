import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, expect, it } from 'vitest'
import { call } from './support/http.ts'
import { build, type ServiceProcess, startService } from './support/process.ts'
import { useRedis } from './support/servers.ts'

beforeAll(build)
const redisUrl = useRedis()

const services: ServiceProcess[] = []
const directories: string[] = []
afterEach(async () => {
  for (const service of services.splice(0)) await service.stop('SIGTERM')
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
})

async function start(settings: Record<string, string>): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'rescind-limits-'))
  directories.push(directory)
  const service = await startService({ DATA_DIR: directory, ...settings }, directory)
  services.push(service)
  return service.url
}

const logIn = async (url: string): Promise<number> => {
  const body = { email: 'nobody@example.test', password: 'wrong-guess' }
  return (await call(`${url}/auth/login`, 'POST', { body })).status
}

it('the service counts as its environment says, and not at all when it is told so', async () => {
  const limited = await start({ RATE_LIMIT: 'on', RATE_LIMIT_LOGIN: '2/1m' })
  expect([await logIn(limited), await logIn(limited), await logIn(limited)]).toEqual([401, 401, 429])
  const open = await start({ RATE_LIMIT: 'off', RATE_LIMIT_LOGIN: '2/1m' })
  expect([await logIn(open), await logIn(open), await logIn(open)]).toEqual([401, 401, 401])
})

it('two services with one Redis count together', async () => {
  const settings = { RATE_LIMIT: 'on', RATE_LIMIT_LOGIN: '3/1m', REDIS_URL: redisUrl() }
  const [first, second] = [await start(settings), await start(settings)]
  expect([await logIn(first), await logIn(second), await logIn(first), await logIn(second)]).toEqual([
    401, 401, 401, 429,
  ])
})
