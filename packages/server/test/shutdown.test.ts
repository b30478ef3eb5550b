import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from 'rescind/testing'
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { bearer, SERVICE_TOKEN } from './support/feed-app.ts'
import { readFeed } from './support/feed-reader.ts'
import { build, type ServiceProcess, startService } from './support/process.ts'

let directory: string
let service: ServiceProcess
const sockets: Socket[] = []
beforeAll(build, 120_000)
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rescind-shutdown-'))
})
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
  service.child.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
})

/** A connection that is kept, and all that came over it. */
function connection(url: string) {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  sockets.push(socket)
  let received = ''
  let isClosed = false
  socket.setEncoding('utf8').on('data', (text: string) => {
    received += text
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    isClosed = true
  })
  return { write: (text: string) => socket.write(text), received: () => received, isClosed: () => isClosed }
}

const READY = 'GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n'
const BODY = JSON.stringify({ email: 'ada@example.test', password: 'violet-tractor-9-Umbrella' })

it('SIGTERM lets a request end that has begun, ends the feed after a whole event, and is over by itself', async () => {
  service = await startService({ SERVICE_TOKEN, METRICS_PORT: '0' }, directory)
  const metricsUrl = /^metrics on (\S+)$/m.exec(service.stdout())?.[1] ?? ''
  expect((await fetch(metricsUrl)).status).toBe(200)

  const feed = readFeed(await fetch(`${service.url}/revocations`, { headers: bearer(SERVICE_TOKEN) }))
  await eventually(() => feed.currents > 0)
  const idle = connection(service.url)
  idle.write(READY)
  await eventually(() => idle.received().includes('"ready"'))
  const begun = connection(service.url)
  begun.write(
    `POST /auth/register HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n{`,
  )
  const asking = connection(service.url)
  asking.write('GET /health/ready HTTP/1.1\r\nHost: x\r\n')
  // Both have been read by the time that a later one is answered.
  await fetch(`${service.url}/health/live`)

  const ended = service.stop('SIGTERM')
  await eventually(() => feed.state !== 'open')
  expect(feed.state).toBe('ended')
  expect(feed.events.at(-1)?.name).toBe('current')
  await eventually(idle.isClosed)
  asking.write('\r\n')
  await eventually(() => asking.isClosed())
  expect(asking.received()).toMatch(/^HTTP\/1\.1 503 .*^connection: close\r\n.*The service is shutting down\./ims)
  begun.write(BODY.slice(1))
  await eventually(begun.isClosed)
  expect(begun.received()).toMatch(/^HTTP\/1\.1 201 .*^connection: close\r\n.*"access_token"/ims)
  expect(await ended).toBe(0)
}, 30_000)

it('a second signal, of either kind, ends at once', async () => {
  service = await startService({}, directory)
  const begun = connection(service.url)
  begun.write('POST /auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{')
  await fetch(`${service.url}/health/live`)
  const ended = service.stop('SIGTERM')
  // It does not listen any more: so it has the first one.
  await eventually(() =>
    fetch(`${service.url}/health/live`).then(
      () => false,
      () => true,
    ),
  )
  expect(begun.isClosed()).toBe(false)
  service.child.kill('SIGINT')
  expect(await ended).toBe(1)
}, 30_000)

it('is traced by the SDK that it is started with', async () => {
  const settings = { NODE_OPTIONS: `--import ${join(import.meta.dirname, 'support/otel.mjs')}` }
  service = await startService(settings, directory)
  await fetch(`${service.url}/health/live`)
  await eventually(() => service.stdout().includes('span {"name":"GET /health/live"'))
  const headers = { 'content-type': 'application/json' }
  // The thread that looks at passwords has none of its own.
  expect((await fetch(`${service.url}/auth/register`, { method: 'POST', headers, body: BODY })).status).toBe(201)
  await eventually(() => service.stdout().includes('span {"name":"POST /auth/register"'))
  expect(service.stdout().split('an SDK was loaded')).toHaveLength(2)
  expect(await service.stop('SIGTERM')).toBe(0)
}, 30_000)
