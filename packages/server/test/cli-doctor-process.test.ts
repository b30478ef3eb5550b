import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createFeedlessProxy, type FeedlessProxy } from './support/feedless-proxy.ts'
import { build, runCommand, type ServiceProcess, startService } from './support/process.ts'
import { usePostgres, useRedis } from './support/servers.ts'

// The program itself, and three instances as processes of their own, the third with a network of its own.
const postgres = usePostgres()
const redis = useRedis()
const ends: (() => unknown)[] = []
let folder: string
let nodes: readonly ServiceProcess[]
let network: FeedlessProxy

beforeAll(async () => {
  await build()
  folder = mkdtempSync(join(tmpdir(), 'rescind-doctor-processes-'))
  ends.push(() => rmSync(folder, { recursive: true, force: true }))
  const database = new URL(await postgres())
  network = await createFeedlessProxy(Number(database.port))
  ends.push(() => network.close())
  const far = new URL(database)
  far.port = String(network.port)
  const settings = {
    REDIS_URL: redis(),
    ISSUER: 'https://id.example.test',
    KEY_ENCRYPTION_KEY: randomBytes(32).toString('base64url'),
    LOG_LEVEL: 'error',
  }
  const start = async (name: string, own: Record<string, string>) => {
    const home = join(folder, name)
    mkdirSync(home)
    const service = await startService({ ...settings, ...own, DATA_DIR: join(home, 'data') }, home)
    ends.push(() => service.stop('SIGKILL'))
    return service
  }
  nodes = await Promise.all([
    start('a', { DATABASE_URL: database.href }),
    start('b', { DATABASE_URL: database.href }),
    // It goes on to answer from memory when it hears of no more revocations.
    start('c', { DATABASE_URL: far.href, REVOCATION_MAX_STALENESS: '10m' }),
  ])
}, 120_000)
afterAll(async () => {
  for (const end of ends.reverse()) await end()
})

async function doctor(...words: string[]) {
  return runCommand(['doctor', ...nodes.map(({ url }) => url), '--register', ...words], {}, folder)
}

it('finds three instances well', async () => {
  const { code, stdout, stderr } = await doctor('--json')
  const leftBehind = /^rescind: the account \S+ is left behind: disable it\n$/
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(leftBehind) })
  const { replays } = JSON.parse(stdout) as { replays: { node: string; verdict: string }[] }
  for (const { url } of nodes) {
    const verdicts = replays.filter(({ node }) => node === url).map(({ verdict }) => verdict)
    expect(new Set(verdicts)).toEqual(new Set(['refused']))
  }
}, 60_000)

it('names the instance whose feed is cut, and the kind of token that it still accepts', async () => {
  network.cutFeed()
  const { code, stderr } = await doctor('--max-staleness', '1s')
  const [one, two, deaf] = nodes.map(({ url }) => url)
  expect(code, stderr).toBe(1)
  expect(stderr).toContain(`${deaf} still accepts the access token 1000 ms after`)
  expect(stderr).not.toContain('still accepts the refresh token')
  for (const url of [one, two]) expect(stderr).not.toContain(`${url} still accepts`)
}, 60_000)
