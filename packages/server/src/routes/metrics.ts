import type { FastifyInstance } from 'fastify'
import type { Metrics } from '../metrics/metrics.ts'
import { letThrough } from '../pressure.ts'
import type { Clients } from '../services/clients.ts'
import { onlyServices } from './only-services.ts'

/** What the route of metrics needs. */
export interface MetricsRouteOptions {
  readonly metrics: Metrics
  /** Any of these lets a program in, as does a client with the scope `metrics`. */
  readonly serviceTokens: readonly string[]
  readonly clients: Clients
}

/** `GET /metrics`: what the service counts, in Prometheus's text format, for programs that may know it. */
export function metricsRoute(app: FastifyInstance, { metrics, serviceTokens, clients }: MetricsRouteOptions): void {
  const onRequest = onlyServices({ tokens: serviceTokens, clients, scope: 'metrics' })
  app.get('/metrics', { onRequest, config: letThrough }, async (_request, reply) => {
    reply.header('content-type', metrics.contentType)
    return metrics.text()
  })
}
