import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { systemClock } from 'rescind'
import { eventually } from 'rescind/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../src/config.ts'
import { openBackends } from '../src/open-backends.ts'
import { createClients } from '../src/services/clients.ts'
import { SERVICE_TOKEN } from './support/feed-app.ts'
import { expectProblem } from './support/problems.ts'
import { sendRaw } from './support/raw-http.ts'
import { bearer, newEmail, PASSWORD } from './support/start-app.ts'
import { startWholeService, type WholeService } from './support/whole-service.ts'

/** The value of a sample, as Prometheus would read it; `undefined` where there is none. */
function sampleOf(text: string, sample: string): number | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${sample} `))
  return line === undefined ? undefined : Number(line.slice(sample.length + 1))
}

let service: WholeService
let other: WholeService
let clientCredentials: (scope: 'metrics' | 'introspect') => Promise<string>
beforeAll(async () => {
  const limits = { RATE_LIMIT: 'on', RATE_LIMIT_CLIENT: '20/1m' }
  service = await startWholeService({ SERVICE_TOKEN, ISSUER: 'https://id.example.test', ...limits })
  other = await startWholeService({
    DATA_DIR: service.directory,
    SERVICE_TOKEN,
    ISSUER: 'https://id.example.test',
    METRICS_PORT: '0',
    RATE_LIMIT: 'on',
    RATE_LIMIT_LOGIN: '3/1m',
  })
  clientCredentials = async (scope) => {
    const backends = await openBackends(readConfig({ DATA_DIR: service.directory }), () => {})
    const clients = createClients({ records: backends.database.clients, clock: systemClock })
    const { client, secret } = await clients.create({ name: scope, scopes: [scope] })
    await backends.close()
    return `Basic ${btoa(`${client.id}:${secret}`)}`
  }
})
afterAll(async () => {
  await other.close()
  await service.close()
})

const read = async (headers: Record<string, string> = bearer(SERVICE_TOKEN)) =>
  fetch(`${service.url}/metrics`, { headers })
const readText = async () => (await read()).text()

describe('/metrics on the port of the service', () => {
  it('is for programs that may know it', async () => {
    const answer = await read()
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(await answer.text()).toContain('\nrescind_revocations_live 0\n')
    expect((await read({ authorization: await clientCredentials('metrics') })).status).toBe(200)
  })

  it('is refused to everybody else', async () => {
    const { access_token } = await service.register()
    await expectProblem(await read({}), 'token_missing')
    await expectProblem(await read(bearer(access_token)), 'token_invalid')
    await expectProblem(await read(bearer(`${SERVICE_TOKEN}x`)), 'token_invalid')
    await expectProblem(await read({ authorization: await clientCredentials('introspect') }), 'forbidden')
    const wrong = `Basic ${btoa('client_x:wrong')}`
    await expectProblem(await read({ authorization: wrong }), 'invalid_credentials')
  })
})

describe('what is counted', () => {
  it('are requests and refusals, by the route and never by the path', async () => {
    const { access_token } = await service.register()
    const { port } = new URL(service.url)
    await fetch(`${service.url}/auth/status`, { headers: bearer(access_token) })
    for (const path of ['made-up-a', 'made-up-b', 'auth/sessions/made-up-c']) {
      await fetch(`${service.url}/${path}`, { method: 'DELETE', headers: bearer(access_token) })
    }
    await sendRaw(Number(port), 'MADEUP /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    await sendRaw(Number(port), 'PROPFIND /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    await sendRaw(Number(port), 'GET /%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    const text = await readText()
    expect(sampleOf(text, 'rescind_http_requests_total{method="GET",route="/auth/status",status="200"}')).toBe(1)
    expect(sampleOf(text, 'rescind_http_requests_total{method="DELETE",route="(no route)",status="404"}')).toBe(2)
    expect(sampleOf(text, 'rescind_http_requests_total{method="DELETE",route="/auth/sessions/:id",status="404"}')).toBe(
      1,
    )
    expect(sampleOf(text, 'rescind_http_request_duration_seconds_count{method="GET",route="/auth/status"}')).toBe(1)
    // A method and a URL that nobody could read.
    expect(sampleOf(text, 'rescind_http_requests_total{method="other",route="(no route)",status="400"}')).toBe(2)
    expect(sampleOf(text, 'rescind_http_refusals_total{code="token_revoked"}')).toBe(0)
    expect(text).not.toMatch(/made-up|MADEUP|PROPFIND|%zz/)
  })

  it('are requests whose client goes before it is answered', async () => {
    const client = connect(Number(new URL(service.url).port), '127.0.0.1')
    client.on('error', () => {})
    const head = 'POST /auth/logout HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n'
    const { access_token } = await service.register()
    client.write(`${head}Authorization: Bearer ${access_token}\r\n\r\n{`)
    await fetch(`${service.url}/health/live`)
    client.destroy()
    const sample = 'rescind_http_requests_total{method="POST",route="/auth/logout",status="abandoned"}'
    await eventually(async () => sampleOf(await readText(), sample) === 1)
  })

  it('is what the guide has in its table', async () => {
    const guide = readFileSync(join(import.meta.dirname, '../../../docs/guide/operations.md'), 'utf8')
    const table = guide.split('\n').filter((line) => line.startsWith('| `rescind_'))
    const named = table
      .flatMap((line) => line.match(/(?<=`)[a-z_…]+/g) ?? [])
      .filter((name) => /^(rescind_|…_)/.test(name))
    const whole = named.map((name) => name.replace('…', 'rescind_password_hashes'))
    const counted = [...(await readText()).matchAll(/^# TYPE (rescind_\w+)/gm)].map(([, name]) => name)
    expect(whole.sort()).toEqual(counted.sort())
  })

  it('are refusals by code, and the queue of passwords', async () => {
    const email = newEmail()
    const before = sampleOf(await readText(), 'rescind_http_refusals_total{code="invalid_credentials"}') ?? 0
    await service.post('/auth/login', { email, password: 'wrong' })
    const text = await readText()
    expect(sampleOf(text, 'rescind_http_refusals_total{code="invalid_credentials"}')).toBe(before + 1)
    for (const name of ['running', 'waiting', 'refused_total']) {
      expect(sampleOf(text, `rescind_password_hashes_${name}`)).toBe(0)
    }
  })

  it('are live revocations, the state of the replica, and how long a revocation took to come from elsewhere', async () => {
    const { access_token } = await other.register()
    expect((await other.post('/auth/logout', undefined, bearer(access_token))).status).toBe(204)
    const arrived = async () => sampleOf(await readText(), 'rescind_revocation_propagation_seconds_count') === 1
    await eventually(arrived)
    const text = await readText()
    expect(sampleOf(text, 'rescind_revocations_live')).toBe(1)
    expect(sampleOf(text, 'rescind_replica_state{state="live"}')).toBe(1)
    expect(sampleOf(text, 'rescind_replica_state{state="stale"}')).toBe(0)
    expect(sampleOf(text, 'rescind_replica_lag_seconds')).toBeGreaterThanOrEqual(0)
    expect(sampleOf(text, 'nodejs_eventloop_lag_p99_seconds')).toBeGreaterThanOrEqual(0)
    expect(sampleOf(text, 'nodejs_heap_size_used_bytes')).toBeGreaterThan(0)
  })

  it('is no secret and nobody in particular (A31)', async () => {
    const person = await service.register()
    await service.post('/auth/login', { email: person.user.email, password: PASSWORD })
    await service.post('/auth/refresh', { refresh_token: person.refresh_token })
    await fetch(`${service.url}/auth/status?token=${person.access_token}`, { headers: bearer(person.access_token) })
    await fetch(`${service.url}/auth/sessions/${person.session_id}`, { headers: bearer(person.access_token) })
    const text = await readText()
    const secrets = [PASSWORD, SERVICE_TOKEN, person.access_token, person.refresh_token, person.user.email]
    const shown = [...secrets, person.user.id, person.session_id].filter((secret) => text.includes(secret))
    expect(shown).toEqual([])
    expect(text).not.toMatch(/eyJ|@/)
  })
})

describe('a port of its own for metrics', () => {
  it('asks for nothing, has no other path, and takes the place of the one of the service', async () => {
    const port = await other.service.metrics?.listen({ port: 0, host: '127.0.0.1' })
    const own = `http://127.0.0.1:${port}`
    for (let guess = 0; guess < 5; guess += 1) {
      await other.post('/auth/login', { email: newEmail(), password: 'wrong' })
    }
    const answer = await fetch(`${own}/metrics`)
    expect(answer.status).toBe(200)
    const text = await answer.text()
    expect(sampleOf(text, 'rescind_rate_limited_total{route="/auth/login"}')).toBe(2)
    expect(sampleOf(text, 'rescind_http_refusals_total{code="rate_limited"}')).toBe(2)
    expect((await fetch(`${own}/`)).status).toBe(404)
    expect((await fetch(`${own}/auth/login`, { method: 'POST', body: 'x' })).status).toBe(404)
    expect((await fetch(`${own}/metrics`, { method: 'POST', body: 'x' })).status).toBe(405)
    await expectProblem(await fetch(`${other.url}/metrics`, { headers: bearer(SERVICE_TOKEN) }), 'not_found')
  })
})

it('guesses at the credentials for it are counted, and do not keep out who has them', async () => {
  const guess = () => read({ authorization: `Basic ${btoa('client_x:guess')}` })
  const statuses: number[] = []
  for (let guesses = 0; guesses < 21; guesses += 1) statuses.push((await guess()).status)
  expect(statuses.at(-1)).toBe(429)
  expect((await read()).status).toBe(200)
})
