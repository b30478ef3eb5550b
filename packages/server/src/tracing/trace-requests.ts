import { context, propagation, type Span, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { notedRefusal } from '../noted-refusals.ts'
import { onRequestEnd, type RequestEnd } from '../request-end.ts'

// OpenTelemetry's own list; anything else is `_OTHER` (semantic conventions for HTTP spans).
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/**
 * One span for each request, named by its method and route. Its path is left out: a client may have written anything
 * there. To be called before other hooks are added, so that they are in the span too.
 */
export function traceRequests(app: FastifyInstance, tracer: Tracer): void {
  const traced = new WeakMap<FastifyRequest, Span>()
  app.addHook('onRequest', (request, _reply, done) => {
    const outer = context.active()
    // With an instrumentation of HTTP around it, the span of the request is there already, and this one is below it.
    const hasOuter = trace.getSpan(outer) !== undefined
    const parent = hasOuter ? outer : propagation.extract(outer, request.headers)
    const { name, attributes } = describe(request)
    const kind = hasOuter ? SpanKind.INTERNAL : SpanKind.SERVER
    const span = tracer.startSpan(name, { kind, attributes }, parent)
    traced.set(request, span)
    context.with(trace.setSpan(parent, span), done)
  })
  onRequestEnd(app, (request, reply, how) => {
    const span = traced.get(request)
    if (span !== undefined) end(span, { request, reply, how })
  })
}

function describe(request: FastifyRequest) {
  const method = METHODS.has(request.method) ? request.method : '_OTHER'
  const route = request.routeOptions.url
  const spoken = method === '_OTHER' ? 'HTTP' : method
  return {
    name: route === undefined ? spoken : `${spoken} ${route}`,
    attributes: {
      'http.request.method': method,
      'url.scheme': request.protocol,
      ...(route === undefined ? {} : { 'http.route': route }),
    },
  }
}

function end(span: Span, of: { request: FastifyRequest; reply: FastifyReply; how: RequestEnd }): void {
  const { statusCode } = of.reply
  const code = notedRefusal(of.request)?.code
  if (of.how === 'answered') span.setAttribute('http.response.status_code', statusCode)
  else span.setAttribute('error.type', 'abandoned')
  if (code !== undefined) span.setAttribute('error.type', code)
  if (statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
  span.end()
}
