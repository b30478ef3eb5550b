import { once } from 'node:events'
import { request } from 'node:http'
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { eventually } from 'rescind/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { registeredTracer } from '../src/tracing/registered-tracer.ts'
import { bearer, newEmail, PASSWORD } from './support/start-app.ts'
import { startWholeService, type WholeService } from './support/whole-service.ts'

let service: WholeService | undefined
afterEach(async () => {
  await service?.close()
  service = undefined
  trace.disable()
  context.disable()
  propagation.disable()
})

const PARENT = { trace: '0af7651916cd43dd8448eb211c80319c', span: 'b7ad6b7169203331' }

/** As an SDK does it when the process starts. */
function registerSdk(): InMemorySpanExporter {
  const exporter = new InMemorySpanExporter()
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  // The only part of a propagator that is used here: the official one is in a package of its own.
  propagation.setGlobalPropagator({
    inject() {},
    fields: () => ['traceparent'],
    extract(own, carrier, getter) {
      const [, traceId, spanId] = String(getter.get(carrier, 'traceparent') ?? '').split('-')
      if (traceId === undefined || spanId === undefined) return own
      return trace.setSpanContext(own, { traceId, spanId, traceFlags: 1, isRemote: true })
    },
  })
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
  return exporter
}

/** The span of a request, and those below it. */
async function spansOf(exporter: InMemorySpanExporter, name: string) {
  const find = () => exporter.getFinishedSpans().find((span) => span.name === name)
  await eventually(() => find() !== undefined)
  const own = find() as ReadableSpan
  const id = own.spanContext().spanId
  const below = exporter.getFinishedSpans().filter((span) => span.parentSpanContext?.spanId === id)
  return { own, below: below.map((span) => span.name) }
}

describe('without an SDK', () => {
  it('nothing is traced, and nothing breaks', async () => {
    expect(registeredTracer()).toBe(null)
    service = await startWholeService()
    const { access_token } = await service.register()
    const headers = { ...bearer(access_token), traceparent: `00-${PARENT.trace}-${PARENT.span}-01` }
    expect((await fetch(`${service.url}/auth/status`, { headers })).status).toBe(200)
  })
})

describe('with an SDK', () => {
  it('each request is a span below the one of its caller, and writes and hashes are spans below it', async () => {
    const exporter = registerSdk()
    service = await startWholeService()
    const { user, access_token, refresh_token } = await service.register()
    const registration = await spansOf(exporter, 'POST /auth/register')
    expect(registration.below).toEqual(['password.hash', 'rescind.issue'])
    expect(registration.own.kind).toBe(SpanKind.SERVER)
    expect(registration.own.attributes).toEqual({
      'http.request.method': 'POST',
      'http.route': '/auth/register',
      'url.scheme': 'http',
      'http.response.status_code': 201,
    })

    const traceparent = `00-${PARENT.trace}-${PARENT.span}-01`
    await service.post('/auth/login', { email: user.email, password: PASSWORD }, { traceparent })
    const login = await spansOf(exporter, 'POST /auth/login')
    expect(login.below).toEqual(['password.compare', 'rescind.issue'])
    expect(login.own.spanContext().traceId).toBe(PARENT.trace)
    expect(login.own.parentSpanContext?.spanId).toBe(PARENT.span)

    await service.post('/auth/refresh', { refresh_token })
    expect((await spansOf(exporter, 'POST /auth/refresh')).below).toEqual(['rescind.refresh'])
    await service.post('/auth/logout', undefined, bearer(access_token))
    expect((await spansOf(exporter, 'POST /auth/logout')).below).toEqual(['rescind.revoke.session'])
  })

  it('a body that comes late is worked on in the span all the same', async () => {
    const exporter = registerSdk()
    service = await startWholeService()
    const { user } = await service.register()
    const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }
    const late = request(`${service.url}/auth/login`, { method: 'POST', headers })
    const answered = once(late, 'response')
    late.flushHeaders()
    // Its head has been read by the time that this one is answered.
    await fetch(`${service.url}/health/live`)
    late.end(JSON.stringify({ email: user.email, password: PASSWORD }))
    const [answer] = await answered
    expect(answer.resume().statusCode).toBe(200)
    expect((await spansOf(exporter, 'POST /auth/login')).below).toEqual(['password.compare', 'rescind.issue'])
  })

  it('a refusal is told by its code, and an error by its status', async () => {
    const exporter = registerSdk()
    service = await startWholeService()
    await service.post('/auth/login', { email: newEmail(), password: 'wrong' })
    const refused = await spansOf(exporter, 'POST /auth/login')
    expect(refused.own.attributes).toMatchObject({
      'http.response.status_code': 401,
      'error.type': 'invalid_credentials',
    })
    // The server did what it had to do (semantic conventions for HTTP spans).
    expect(refused.own.status.code).toBe(SpanStatusCode.UNSET)
    await fetch(`${service.url}/made-up?token=canary`)
    expect((await spansOf(exporter, 'GET')).own.attributes).not.toHaveProperty('http.route')
  })

  it('no span holds a token, a password, an address or an id (A31)', async () => {
    const exporter = registerSdk()
    service = await startWholeService()
    const { user, access_token, refresh_token, session_id } = await service.register()
    await fetch(`${service.url}/auth/sessions/${session_id}?x=${access_token}`, { headers: bearer(access_token) })
    await service.post('/auth/refresh', { refresh_token: `${refresh_token}x` })
    await fetch(`${service.url}/auth/sessions/${session_id}`, { method: 'DELETE', headers: bearer(access_token) })
    await spansOf(exporter, 'DELETE /auth/sessions/:id')
    const told = JSON.stringify(
      exporter.getFinishedSpans().map(({ name, attributes, status, events }) => ({ name, attributes, status, events })),
    )
    const secrets = [access_token, refresh_token, PASSWORD, user.email, user.id, session_id]
    expect(secrets.filter((secret) => told.includes(secret))).toEqual([])
    expect(told).not.toMatch(/eyJ/)
  })
})
