import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKeyRing, createRescind, generateKey, type Ledger } from 'rescind'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readConfig } from '../src/config.ts'
import { openBackends } from '../src/open-backends.ts'
import { fixedKeys } from '../src/open-signing-keys.ts'
import { createClient, rescind, type TestClient } from './support/command-line.ts'
import { usePostgres } from './support/servers.ts'
import { PASSWORD, type RunningApp, startApp } from './support/start-app.ts'

interface Report {
  readonly checks: readonly { node: string; check: string; verdict: string; detail: string }[]
  readonly replays: readonly {
    way: string
    token: string
    node: string
    verdict: string
    refused_within_ms: number | null
    resolution_ms: number | null
  }[]
  readonly not_carried_out: readonly { way: string; detail: string }[]
}

const postgres = usePostgres()
const ring = createKeyRing({ active: generateKey('EdDSA') })
let directory: string
let settings: Record<string, string>
let one: RunningApp
let two: RunningApp
let admin: TestClient
const ends: (() => unknown)[] = []

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'rescind-doctor-'))
  settings = { DATA_DIR: directory, DATABASE_URL: await postgres() }
  one = await startApp({ settings, signing: fixedKeys(ring) })
  two = await startApp({ settings, signing: fixedKeys(ring) })
  ends.push(
    () => one.close(),
    () => two.close(),
    () => rmSync(directory, { recursive: true, force: true }),
  )
  admin = await createClient(settings, ['admin'])
})
afterAll(async () => {
  for (const end of ends.reverse()) await end()
})

async function doctor(words: readonly string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await rescind(['doctor', ...words], env, { stdoutIsTty: false })
  return { code, stderr, report: (stdout === '' ? null : JSON.parse(stdout)) as Report | null }
}

type Intercept = (request: IncomingMessage, answer: ServerResponse) => boolean

/** A node whose answers to some requests are not those of the service behind it. */
async function spoiltNode(behind: RunningApp, intercept: Intercept): Promise<string> {
  const server = createServer((request, answer) => {
    if (intercept(request, answer)) return
    const { method, url, headers } = request
    const onward = forward({ port: behind.port, host: '127.0.0.1', method, path: url, headers }, (got) => {
      answer.writeHead(got.statusCode ?? 500, got.headers)
      got.pipe(answer)
    })
    onward.on('error', () => answer.destroy())
    request.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ends.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const ok = (answer: ServerResponse, body: unknown) => {
  answer.writeHead(200, { 'content-type': 'application/json' })
  answer.end(JSON.stringify(body))
}

it('finds two instances well, in every way of users and operators', async () => {
  const { code, stderr, report } = await doctor([one.url, two.url, '--register', '--client', admin.id], {
    RESCIND_DOCTOR_CLIENT_SECRET: admin.secret,
  })
  expect({ code, stderr, undone: report?.not_carried_out }).toEqual({ code: 0, stderr: '', undone: [] })
  expect(new Set(report?.checks.map(({ verdict }) => verdict))).toEqual(new Set(['ok']))
  const ways = new Set(report?.replays.map(({ way }) => way))
  expect([...ways]).toEqual([
    'logout with the access token',
    'logout with the refresh token',
    'reuse of a refresh token',
    'end of one own session',
    'OAuth revocation of the access token',
    'OAuth revocation of the refresh token',
    'change of the password',
    'end of all own sessions',
    "an operator's revocation of the access token",
    "an operator's revocation of the session",
    "an operator's revocation of the user",
    "an operator's end of the user's sessions",
    "an operator's disabling of the user",
  ])
  for (const way of ways) {
    for (const node of [one.url, two.url]) {
      const tokens = report?.replays.filter((replay) => replay.way === way && replay.node === node)
      const kinds = new Set(tokens?.map(({ token }) => token))
      expect([way, ...kinds]).toEqual([
        way,
        'access',
        ...(way.endsWith('access token') && way !== 'logout with the access token' ? [] : ['refresh']),
      ])
    }
  }
  for (const { verdict, refused_within_ms, resolution_ms } of report?.replays ?? []) {
    expect(verdict).toBe('refused')
    expect(refused_within_ms).toBeGreaterThanOrEqual(resolution_ms ?? Number.NaN)
  }
})

/** An instance that believes to hear of every revocation, and hears of none. */
async function deafInstance(): Promise<RunningApp> {
  const backends = await openBackends(readConfig(settings), () => {})
  const { store } = backends
  const ledger: Ledger = {
    ...store.ledger,
    async follow(_from, sink, signal) {
      while (!signal.aborted) {
        sink.current(sink.now())
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    },
  }
  const auth = createRescind({ store: { ...store, ledger }, keys: ring })
  await auth.ready()
  const app = await startApp({ settings, auth, signing: fixedKeys(ring) })
  ends.push(
    () => backends.close(),
    () => auth.close(),
    () => app.close(),
  )
  return app
}

it('names the node that has not heard, and the kind of token that it still answers', async () => {
  const { user } = await one.register()
  const deaf = await deafInstance()
  const words = [one.url, two.url, deaf.url, '--email', user.email, '--max-staleness', '100ms']
  const { code, stderr, report } = await doctor(words, { RESCIND_DOCTOR_PASSWORD: PASSWORD })
  expect(code).toBe(1)
  expect(stderr).toContain(
    `rescind: ${deaf.url} still accepts the access token 100 ms after logout with the access token`,
  )
  expect(stderr).not.toContain('refresh token 100 ms')
  const accepting = report?.replays.filter(({ verdict }) => verdict === 'accepted') ?? []
  expect(accepting.length).toBeGreaterThan(0)
  expect(new Set(accepting.map(({ node, token }) => `${node} ${token}`))).toEqual(new Set([`${deaf.url} access`]))
})

it('names a refresh token that is still exchanged, and what it is exchanged for', async () => {
  const { user, ...pair } = await one.register()
  const forgetful = await spoiltNode(two, ({ url, method }, answer) => {
    if (url !== '/auth/refresh' || method !== 'POST') return false
    ok(answer, { ...pair, user })
    return true
  })
  const words = [one.url, forgetful, '--email', user.email, '--max-staleness', '50ms']
  const { code, stderr } = await doctor(words, { RESCIND_DOCTOR_PASSWORD: PASSWORD })
  expect(code).toBe(1)
  expect(stderr).toContain(`${forgetful} still accepts the refresh token 50 ms after logout with the access token`)
  // What it is exchanged for lives until all sessions of the account end.
  expect(stderr).toContain(`${one.url} still accepts the access token 50 ms after logout with the access token`)
})

it('says that it could not be carried out where a node gives no answer that tells', async () => {
  const { user } = await one.register()
  let asked = 0
  // As one that has lost the ledger: well until the first logout, and then it cannot tell.
  const cut = await spoiltNode(two, ({ url, method }, answer) => {
    if (url === '/auth/status' && ++asked === 1) return false
    if (url !== '/auth/status' && !(url === '/auth/refresh' && method === 'POST')) return false
    answer.writeHead(503, { 'content-type': 'application/problem+json', 'retry-after': '1' })
    answer.end(JSON.stringify({ code: 'revocation_unavailable' }))
    return true
  })
  const words = [one.url, cut, '--email', user.email, '--max-staleness', '50ms']
  const { code, stderr } = await doctor(words, { RESCIND_DOCTOR_PASSWORD: PASSWORD })
  expect(code).toBe(3)
  expect(stderr).toContain(
    `${cut} tells nothing of the access token after logout with the access token (503 revocation_unavailable`,
  )
  expect(stderr).toContain(`${cut} refuses a token that was not revoked yet (503 revocation_unavailable`)
})

it('fails for nodes that are not instances of one ready service', async () => {
  const { user } = await one.register()
  const other = await spoiltNode(two, ({ url }, answer) => {
    if (url !== '/.well-known/jwks.json') return false
    ok(answer, { keys: [{ kid: 'another' }] })
    return true
  })
  const { code, stderr } = await doctor([one.url, other, '--email', user.email], { RESCIND_DOCTOR_PASSWORD: PASSWORD })
  expect(code).toBe(1)
  expect(stderr).toContain(`rescind: ${other} fails the check of its keys (another, where ${one.url} has `)
})

it('shows people a table, and takes the password from standard input', async () => {
  const { user } = await one.register()
  const { code, stdout, stderr } = await rescind(
    ['doctor', one.url, '--email', user.email],
    {},
    { input: `${PASSWORD}\n` },
  )
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^NODE +CHECK +VERDICT/)
  expect(stdout).toMatch(/^logout with the access token +refresh +http:\S+ +refused +[\d.]+ +[\d.]+$/m)
  expect(stdout).not.toContain(PASSWORD)
})

it('does not begin where it could not end', async () => {
  const { user } = await one.register()
  const password = { RESCIND_DOCTOR_PASSWORD: PASSWORD }
  const refusals: readonly [readonly string[], Record<string, string>, number, RegExp][] = [
    [[one.url, '--email', user.email], { RESCIND_DOCTOR_PASSWORD: 'wrong' }, 3, /does not let .+ in: is the password/],
    [['http://127.0.0.1:1', '--register'], {}, 3, /^rescind: http:\/\/127\.0\.0\.1:1 did not answer GET/],
    [[one.url], password, 2, /--email doctor@example\.com/],
    [[one.url, '--email', user.email], {}, 2, /standard input is empty/],
    [['--email', user.email], password, 2, /<url>… is missing/],
    [['ftp://example.com', '--register'], {}, 2, /name each node by a URL/],
    [['http://user:hunter2@example.com', '--register'], {}, 2, /name each node by a URL/],
    [[one.url, '--register', '--max-staleness', 'soon'], {}, 2, /--max-staleness may be/],
    [[one.url, '--register', '--client', admin.id], {}, 2, /RESCIND_DOCTOR_CLIENT_SECRET/],
  ]
  for (const [words, env, code, told] of refusals) {
    const result = await doctor(words, env)
    expect(result).toEqual({ code, stderr: expect.stringMatching(told), report: null })
    expect(result.stderr).not.toContain('hunter2')
  }
})
