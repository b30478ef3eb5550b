import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { type Algorithm, createKey, createKeyRing, createRescind, generateKey } from 'rescind'
import { httpStore } from 'rescind/stores/http'
import { eventually } from 'rescind/testing'
import { afterEach, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest'
import { bearer, SERVICE_TOKEN } from './support/feed-app.ts'
import { readFeed } from './support/feed-reader.ts'
import { expectProblem } from './support/problems.ts'
import { build, runCommand, type ServiceProcess, startService } from './support/process.ts'

let directory: string
let running: ServiceProcess[] = []
beforeAll(build, 120_000)
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rescind-feed-'))
})
afterEach(() => {
  for (const { child } of running) child.kill('SIGKILL')
  running = []
  rmSync(directory, { recursive: true, force: true })
})

async function start(settings: Record<string, string> = {}): Promise<ServiceProcess> {
  const service = await startService(settings, directory)
  running.push(service)
  return service
}

async function register(url: string, email: string): Promise<string> {
  const answer = await fetch(`${url}/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password: 'violet-tractor-9-Umbrella' }),
  })
  expect(answer.status).toBe(201)
  return ((await answer.json()) as { access_token: string }).access_token
}

const logOut = async (url: string, token: string) =>
  (await fetch(`${url}/auth/logout`, { method: 'POST', headers: bearer(token) })).status

it('takes no token for a service token unless it is told one', async () => {
  const { url } = await start()
  const headers = bearer(SERVICE_TOKEN)
  await expectProblem(await fetch(`${url}/revocations`, { headers }), 'token_invalid')
  await expectProblem(await fetch(`${url}/revocations/find`, { method: 'POST', headers }), 'token_invalid')
  await expectProblem(await fetch(`${url}/revocations`, { headers: { authorization: 'Bearer ' } }), 'token_malformed')
})

it('makes a client by its command line, whom a resource server follows as, and RFC 9068 tokens for an audience', async () => {
  const audience = 'https://api.example.test'
  const settings = { ISSUER: 'https://id.example.test', AUDIENCE: audience }
  const { url } = await start(settings)
  const words = ['client', 'create', '--name', 'an api', '--scope', 'revocations:read', '--json']
  const made = await runCommand(words, settings, directory)
  expect(made).toMatchObject({ code: 0, stderr: expect.stringMatching(/^rescind: the secret/) })
  const { client_id: id, client_secret: secret } = JSON.parse(made.stdout) as Record<string, string>
  const store = httpStore(url, { client: { id: id ?? '', secret: secret ?? '' } })
  const jwks = (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as JSONWebKeySet
  const verifyOnly = jwks.keys.map((jwk) => createKey(jwk, { alg: 'EdDSA' }))
  const resource = createRescind({ store, keys: createKeyRing({ verifyOnly }), issuer: settings.ISSUER, audience })
  onTestFinished(async () => {
    await resource.close()
    await store.close()
  })
  await resource.ready()
  const token = await register(url, 'three@example.test')
  expect((await resource.verify(token)).claims).toMatchObject({ aud: audience, client_id: 'rescind' })
  // What RFC 9068 §4 asks of a resource server, by another library.
  const { payload } = await jwtVerify(token, createLocalJWKSet(jwks), {
    typ: 'at+jwt',
    issuer: settings.ISSUER,
    audience,
    requiredClaims: ['exp', 'sub', 'client_id', 'iat', 'jti'],
  })
  expect(payload.sub).toMatch(/^[\da-f-]{36}$/)
  expect(await logOut(url, token)).toBe(204)
  await eventually(() =>
    resource.verify(token).then(
      () => false,
      () => true,
    ),
  )
  const unknown = await runCommand(['--nonsense'], settings, directory)
  expect(unknown).toMatchObject({ code: 2, stdout: '' })
})

it('is followed across its restart, and does not wait for its followers when it is told to stop', async () => {
  const settings = { SERVICE_TOKEN, ISSUER: 'https://id.example.test', LOG_LEVEL: 'debug' }
  const first = await start(settings)
  const { keys: published } = (await (await fetch(`${first.url}/.well-known/jwks.json`)).json()) as {
    keys: { alg: Algorithm }[]
  }
  const store = httpStore(first.url, { token: SERVICE_TOKEN })
  const resource = createRescind({
    store,
    keys: createKeyRing({
      active: generateKey('EdDSA'),
      verifyOnly: published.map((jwk) => createKey(jwk, { alg: jwk.alg })),
    }),
  })
  onTestFinished(async () => {
    await resource.close()
    await store.close()
  })
  await resource.ready()
  const isRefused = async (token: string) =>
    resource.verify(token).then(
      () => false,
      (error: { code?: string }) => error.code === 'token_revoked',
    )
  const [one, two] = [await register(first.url, 'one@example.test'), await register(first.url, 'two@example.test')]
  expect(await isRefused(one)).toBe(false)
  expect(await logOut(first.url, one)).toBe(204)
  await eventually(() => isRefused(one))

  const stream = readFeed(await fetch(`${first.url}/revocations`, { headers: bearer(SERVICE_TOKEN) }))
  await eventually(() => stream.currents > 0)
  expect(await first.stop('SIGTERM')).toBe(0)
  // A stream that had held up the drain would have been cut off at its end.
  await eventually(() => stream.state === 'ended')
  const second = await start({ ...settings, PORT: new URL(first.url).port })
  expect(await logOut(second.url, two)).toBe(204)
  await eventually(() => isRefused(two))
  await eventually(() => resource.status().state === 'live')
  expect(first.stdout() + first.stderr() + second.stdout() + second.stderr()).not.toContain(SERVICE_TOKEN)
  expect(second.stderr()).toContain('"/revocations"')
}, 60_000)
