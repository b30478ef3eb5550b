import { generateKeyPairSync } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { build, failToStart, type ServiceProcess, startService } from './support/process.ts'
import { sendRaw } from './support/raw-http.ts'

let directory: string
let running: ServiceProcess[] = []
beforeAll(build, 120_000)
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rescind-start-'))
})
afterEach(() => {
  for (const { child } of running) child.kill('SIGKILL')
  running = []
  rmSync(directory, { recursive: true, force: true })
})

async function start(settings: Record<string, string> = {}) {
  const service = await startService(settings, directory)
  running.push(service)
  return service
}

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

async function expectRefusal(settings: Record<string, string>, line: RegExp) {
  const { code, stdout, stderr } = await failToStart(settings, directory)
  expect(stderr).toMatch(line)
  expect({ code, stdout, lines: stderr.trimEnd().split('\n').length }).toEqual({ code: 1, stdout: '', lines: 1 })
  return stderr
}

describe('a start', () => {
  it('in an empty directory makes all it needs, for this user alone, and greets', async () => {
    const service = await start()
    const data = join(directory, 'data')
    expect(service.stdout()).toBe(`listening on ${service.url}\ndata in ${data}\n${service.stdout().split('\n')[2]}\n`)
    expect(service.stdout()).toMatch(/^try: curl -s http:.+\/auth\/register /m)
    expect(modeOf(data)).toBe('700')
    expect(modeOf(join(data, 'signing-key.json'))).toBe('600')
    expect(modeOf(join(data, 'rescind.db'))).toBe('600')
    expect(readdirSync(data).filter((name) => name.endsWith('.tmp'))).toEqual([])
    const key = JSON.parse(readFileSync(join(data, 'signing-key.json'), 'utf8'))
    expect(key).toMatchObject({ kty: 'OKP', alg: 'EdDSA', kid: expect.any(String), d: expect.any(String) })
    const { keys } = (await (await fetch(`${service.url}/.well-known/jwks.json`)).json()) as { keys: { kid: string }[] }
    expect(keys.map(({ kid }) => kid)).toEqual([key.kid])
    expect(service.stderr()).not.toContain(key.d)
  })

  it.each(['ES256', 'RS256', 'PS256', 'HS256'])('makes and keeps a key for %s', async (alg) => {
    for (let round = 0; round < 2; round += 1) {
      const service = await start({ SIGNING_ALG: alg })
      const answer = await fetch(`${service.url}/auth/register`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email: `a${round}@b.test`, password: 'violet-tractor-9-Umbrella' }),
      })
      expect(answer.status).toBe(201)
      expect(await service.stop('SIGTERM')).toBe(0)
    }
  })

  it('by two processes at once on an empty directory gives both the same key', async () => {
    const both = await Promise.all([start(), start()])
    const published = await Promise.all(
      both.map(async ({ url }) => (await fetch(`${url}/.well-known/jwks.json`)).text()),
    )
    expect(published[0]).toBe(published[1])
  })

  it('keeps its issuer, and so its tokens, on another free port', async () => {
    const service = await start()
    const answer = await fetch(`${service.url}/auth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'a@b.test', password: 'violet-tractor-9-Umbrella' }),
    })
    const { access_token } = (await answer.json()) as { access_token: string }
    const claims = JSON.parse(Buffer.from(access_token.split('.')[1] ?? '', 'base64url').toString())
    expect(claims.iss).toBe('http://127.0.0.1')
    await service.stop('SIGTERM')
    const { url } = await start()
    const status = await fetch(`${url}/auth/status`, { headers: { authorization: `Bearer ${access_token}` } })
    expect(status.status).toBe(200)
  })

  it('reads .env, with the environment before it', async () => {
    writeFileSync(join(directory, '.env'), 'DATA_DIR=./from-file\nLOG_LEVEL=silent\nPORT=1\n')
    const service = await start({ LOG_LEVEL: 'info' })
    expect(existsSync(join(directory, 'from-file/rescind.db'))).toBe(true)
    await fetch(`${service.url}/health/live`)
    await expect.poll(service.stderr).toContain('/health/live')
  })

  it('takes its key from SIGNING_KEY', async () => {
    const jwk = { ...generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }), kid: 'mine' }
    const service = await start({ SIGNING_KEY: JSON.stringify(jwk) })
    expect(await (await fetch(`${service.url}/.well-known/jwks.json`)).json()).toMatchObject({
      keys: [{ kid: 'mine' }],
    })
    expect(existsSync(join(directory, 'data/signing-key.json'))).toBe(false)
  })
})

describe('a start is refused with one line', () => {
  it('for a value out of range', () =>
    expectRefusal({ PORT: '99999' }, /^rescind: PORT holds "99999"; it may hold a port/))
  it('for another database', () => expectRefusal({ DATABASE_URL: 'mysql://h/d' }, /^rescind: DATABASE_URL holds /))

  it('for an unknown name in .env', async () => {
    writeFileSync(join(directory, '.env'), 'PROT=3000\n')
    await expectRefusal({}, /sets PROT, which is unknown/)
  })

  it('for a key others may read', async () => {
    await (await start()).stop('SIGTERM')
    const path = join(directory, 'data/signing-key.json')
    chmodSync(path, 0o644)
    await expectRefusal({}, new RegExp(`chmod 600 ${path}`))
  })

  it('for a key of another algorithm', async () => {
    await (await start()).stop('SIGTERM')
    await expectRefusal({ SIGNING_ALG: 'ES256' }, /^rescind: SIGNING_ALG is ES256, but the key in .+ is for EdDSA/)
  })

  it.each(['{"kty":"OKP"', '{"kty":"OKP","crv":"Ed25519","x":"s3cr3t"}', 's3cr3t'])('for the key %s', async (key) => {
    expect(await expectRefusal({ SIGNING_KEY: key }, /^rescind: .*SIGNING_KEY/)).not.toContain('s3cr3t')
  })

  it('for a secret that is too short', async () => {
    const line = await expectRefusal({ SIGNING_ALG: 'HS256', SIGNING_KEY: 's3cr3t' }, /^rescind: .*SIGNING_KEY/)
    expect(line).not.toContain('s3cr3t')
  })

  it('for a key file that is missing', () =>
    expectRefusal({ SIGNING_KEY_FILE: 'missing.json' }, /SIGNING_KEY_FILE holds/))

  it('for a data directory that cannot be', async () => {
    writeFileSync(join(directory, 'file'), '')
    await expectRefusal({ DATA_DIR: 'file/data' }, /^rescind: DATA_DIR holds /)
    await expectRefusal({ DATA_DIR: 'file' }, /^rescind: DATA_DIR holds /)
  })

  it('for a database file that is none', async () => {
    mkdirSync(join(directory, 'data'))
    writeFileSync(join(directory, 'data/rescind.db'), 'this is no database, and long enough to be taken for a header')
    await expectRefusal({}, /^rescind: DATA_DIR holds .+, where rescind\.db cannot be used \(file is not a database\);/)
  })

  it('for a port in use', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const address = other.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    await expectRefusal({ PORT: String(port) }, new RegExp(`^rescind: PORT holds ${port}, which is in use`))
    await expectRefusal(
      { METRICS_PORT: String(port) },
      new RegExp(`^rescind: METRICS_PORT holds ${port}, which is in use`),
    )
    other.close()
  })

  it('for a host that is not here', () => expectRefusal({ HOST: '192.0.2.1' }, /^rescind: HOST holds "192.0.2.1"/))
})

it('outlives whoever reads its output', async () => {
  const service = await start()
  service.child.stdout?.destroy()
  service.child.stderr?.destroy()
  // Each request is logged, and the first line that finds no reader would have ended the process.
  for (let round = 0; round < 3; round += 1) expect((await fetch(`${service.url}/health/live`)).status).toBe(200)
  expect(service.child.exitCode).toBe(null)
})

describe('a stop', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('by %s ends cleanly', async (signal) => {
    const service = await start()
    await fetch(`${service.url}/health/live`)
    expect(await service.stop(signal)).toBe(0)
  })

  it('does not wait for ever for a request that never ends', async () => {
    const service = await start()
    const head =
      'POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{'
    const hanging = sendRaw(Number(new URL(service.url).port), head, 15_000).catch(() => 'cut')
    // Answered on a connection opened after the hanging one, so the service has met both.
    await fetch(`${service.url}/health/live`)
    const begun = performance.now()
    expect(await service.stop('SIGTERM')).toBe(0)
    expect(performance.now() - begun).toBeLessThan(10_000)
    expect(await hanging).not.toContain('200')
  })
})
