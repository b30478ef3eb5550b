import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { backendsUnderTest } from './support/backends.ts'
import { basic, createClient, rescind } from './support/command-line.ts'
import { expectProblem } from './support/problems.ts'
import { type RunningApp, startApp } from './support/start-app.ts'

let directory: string
const ends: (() => unknown)[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rescind-clients-'))
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
  rmSync(directory, { recursive: true, force: true })
})

async function start(settings: Record<string, string>): Promise<RunningApp> {
  const app = await startApp({ settings })
  ends.push(() => app.close())
  return app
}

const introspect = async (app: RunningApp, headers: Record<string, string>) =>
  (await app.post('/oauth/introspect', 'token=x', { 'content-type': 'application/x-www-form-urlencoded', ...headers }))
    .status

describe.each(backendsUnderTest.slice(0, 2))('clients over $name', ({ prepare }) => {
  const settings = prepare()

  it('are made, listed and deleted while the service runs, which goes by it at once', async () => {
    const env = { DATA_DIR: directory, ...(await settings()) }
    const app = await start(env)
    expect(await introspect(app, basic({ id: 'client_x', secret: 'x' }))).toBe(401)

    const made = await rescind(['client', 'create', '--name', 'Orders API', '--scope', 'introspect', '--json'], env)
    expect(made.code).toBe(0)
    expect(made.stderr).toMatch(/^rescind: the secret is not shown again.*\n$/)
    const client = JSON.parse(made.stdout) as Record<string, string>
    expect(client).toEqual({
      client_id: expect.stringMatching(/^client_[\w-]{16}$/),
      client_secret: expect.stringMatching(/^rescind_secret_[\w-]{43}$/),
      name: 'Orders API',
      scopes: ['introspect'],
      created_at: expect.stringMatching(/^\d{4}-.+Z$/),
    })
    const credentials = { id: client.client_id ?? '', secret: client.client_secret ?? '' }
    expect(await introspect(app, basic(credentials))).toBe(200)

    const other = await createClient(env, ['revocations:read', 'introspect', 'introspect'])
    const listed = await rescind(['client', 'list', '--json'], env)
    expect(JSON.parse(listed.stdout)).toEqual([
      { ...client, client_secret: undefined },
      expect.objectContaining({ client_id: other.id, scopes: ['revocations:read', 'introspect'] }),
    ])
    const shown = await rescind(['client', 'list'], env)
    expect(shown.stdout.split('\n')[0]).toMatch(/^CLIENT ID +NAME +SCOPES +CREATED$/)
    expect(shown.stdout).toContain('Orders API  introspect')
    for (const { stdout } of [listed, shown]) expect(stdout).not.toContain('rescind_secret')

    expect(await rescind(['client', 'delete', credentials.id], env)).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(await introspect(app, basic(credentials))).toBe(401)
    expect(await introspect(app, basic(other))).toBe(200)
    const again = await rescind(['client', 'delete', credentials.id], env)
    expect(again).toEqual({ code: 1, stdout: '', stderr: 'rescind: no client has this id\n' })
  })

  it('follow the revocations by HTTP Basic, with the scope for it', async () => {
    const env = { DATA_DIR: directory, ...(await settings()) }
    const { openBackends } = await import('../src/open-backends.ts')
    const { readConfig } = await import('../src/config.ts')
    const backends = await openBackends(readConfig(env), () => {})
    ends.push(() => backends.close())
    const app = await startApp({
      settings: env,
      revocationFeed: { ledger: backends.store.ledger, serviceTokens: [], heartbeatMs: 50 },
    })
    ends.push(() => app.close())
    const [reader, introspector] = [
      await createClient(env, ['revocations:read']),
      await createClient(env, ['introspect']),
    ]
    const feed = (headers: Record<string, string>) => fetch(`${app.url}/revocations?until=current`, { headers })
    const answer = await feed(basic(reader))
    expect(answer.status).toBe(200)
    expect(await answer.text()).toContain('event: current')
    await expectProblem(await feed(basic(introspector)), 'forbidden')
    const wrong = await feed(basic({ ...reader, secret: `${reader.secret}x` }))
    expect(wrong.headers.get('www-authenticate')).toMatch(/^Basic /)
    await expectProblem(wrong, 'invalid_credentials')
    await expectProblem(await feed({}), 'token_missing')
    await expectProblem(await feed({ authorization: `Bearer ${reader.secret}` }), 'token_invalid')
    const find = { iat_ms: 1, jti: 'none' }
    expect((await app.post('/revocations/find', find, basic(reader))).status).toBe(200)
    expect((await rescind(['client', 'delete', reader.id], env)).code).toBe(0)
    await expectProblem(await app.post('/revocations/find', find, basic(reader)), 'invalid_credentials')
  })
})

it('what is kept of a client is not its secret', async () => {
  const env = { DATA_DIR: directory }
  const { secret } = await createClient(env, ['admin'])
  for (const file of ['rescind.db', 'rescind.db-wal']) {
    const bytes = ((): Buffer => {
      try {
        return readFileSync(join(directory, file))
      } catch {
        return Buffer.alloc(0)
      }
    })()
    expect(bytes.includes(secret.slice('rescind_secret_'.length))).toBe(false)
    expect(bytes.includes(Buffer.from(secret.slice('rescind_secret_'.length), 'base64url'))).toBe(false)
  }
})

describe('the command line', () => {
  it('explains itself', async () => {
    const overview = await rescind(['--help'], {})
    expect(overview).toMatchObject({ code: 0, stderr: '' })
    for (const name of ['rescind serve', 'rescind client create', 'rescind client list', 'rescind client delete']) {
      expect(overview.stdout).toContain(name)
      const help = await rescind([...name.split(' ').slice(1), '--help'], {})
      expect(help).toMatchObject({ code: 0, stderr: '' })
      expect(help.stdout).toMatch(/^usage: rescind .+\n/)
      expect(help.stdout).toContain('example: ')
    }
  })

  it.each([
    [['lient', 'list']],
    [['client']],
    [['client', 'make']],
    [['client', 'create', '--scope', 'introspect']],
    [['client', 'create', '--name', 'x']],
    [['client', 'create', '--name', 'x', '--scope', 'everything']],
    [['client', 'create', '--name', '', '--scope', 'admin']],
    [['client', 'create', '--name', 'a\u001b[2Jb', '--scope', 'admin']],
    [['client', 'create', '--name', 'x', '--scope', 'admin', 'again']],
    [['client', 'create', '--name', 'x', '--scope', 'admin', '--colour']],
    [['client', 'list', 'all']],
    [['client', 'delete']],
    [['client', 'delete', 'a', 'b']],
    [['serve', 'now']],
  ])('does not guess what %o may mean', async (args) => {
    const { code, stdout, stderr } = await rescind(args, { DATA_DIR: directory })
    expect({ code, stdout, lines: stderr.split('\n').length }).toEqual({ code: 2, stdout: '', lines: 2 })
    expect(stderr).toMatch(/^rescind: /)
    expect(stderr).not.toContain('\u001b')
  })

  it('says in one line what is wrong with the configuration, without its secrets', async () => {
    const nowhere = { DATABASE_URL: 'postgres://user:hunter2@127.0.0.1:1/none' }
    const { code, stderr } = await rescind(['client', 'list'], nowhere)
    expect([code, stderr.split('\n').length]).toEqual([1, 2])
    expect(stderr).toMatch(/^rescind: DATABASE_URL names 127\.0\.0\.1:1.*, which refused the connection/)
    expect(stderr).not.toContain('hunter2')
    expect(await rescind(['client', 'list'], { PORT: 'x' })).toMatchObject({ code: 1, stdout: '' })
    expect((await rescind(['client', 'delete', 'a\0b'], { DATA_DIR: directory })).code).toBe(1)
  })
})
