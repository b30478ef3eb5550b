import type { FastifyReply, FastifyRequest } from 'fastify'
import { Counter, Histogram, type Registry } from 'prom-client'
import { requestErrors } from 'rescind/wire'
import { notedRefusal } from '../noted-refusals.ts'
import type { RequestEnd } from '../request-end.ts'

const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])
const CODES: ReadonlySet<string> = new Set([...Object.keys(requestErrors), 'invalid_client', 'insufficient_scope'])
const OTHER = 'other'
const NO_ROUTE = '(no route)'

/** Who counts requests. */
export interface RequestMetrics {
  ended(request: FastifyRequest, reply: FastifyReply, how: RequestEnd): void
  /** A request that nobody could read was answered with this status. */
  unrouted(status: number): void
}

/**
 * Counts requests, how long they take and why they are refused. Every label is of a bounded set: a client that makes up
 * paths and methods adds nothing.
 */
export function createRequestMetrics(registry: Registry): RequestMetrics {
  const registers = [registry]
  const requests = new Counter({
    name: 'rescind_http_requests_total',
    help: 'Requests by method, route and status; the status is "abandoned" where the client went before its answer.',
    labelNames: ['method', 'route', 'status'] as const,
    registers,
  })
  const durations = new Histogram({
    name: 'rescind_http_request_duration_seconds',
    help: 'From the head of a request to the end of its answer; a stream counts when it ends.',
    labelNames: ['method', 'route'] as const,
    buckets: DURATION_BUCKETS,
    registers,
  })
  const refusals = new Counter({
    name: 'rescind_http_refusals_total',
    help: 'Refused requests by the code of the answer.',
    labelNames: ['code'] as const,
    registers,
  })
  const limited = new Counter({
    name: 'rescind_rate_limited_total',
    help: 'Requests that were one too many, by route.',
    labelNames: ['route'] as const,
    registers,
  })
  // Nothing yet is something else than nobody knows: an alert can be made of it.
  for (const code of CODES) refusals.inc({ code }, 0)

  return {
    ended(request, reply, how) {
      const labels = { method: methodOf(request), route: request.routeOptions.url ?? NO_ROUTE }
      requests.inc({ ...labels, status: how === 'abandoned' ? how : String(reply.statusCode) })
      durations.observe(labels, reply.elapsedTime / 1000)
      const code = notedRefusal(request)?.code
      if (code === undefined) return
      refusals.inc({ code: CODES.has(code) ? code : OTHER })
      if (code === 'rate_limited') limited.inc({ route: labels.route })
    },
    unrouted(status) {
      requests.inc({ method: OTHER, route: NO_ROUTE, status: String(status) })
      refusals.inc({ code: 'invalid_request' })
    },
  }
}

function methodOf({ method }: FastifyRequest): string {
  return METHODS.has(method) ? method : OTHER
}
