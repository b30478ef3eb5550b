import type { FastifyInstance } from 'fastify'
import type { Rescind } from 'rescind'
import { metricsRoute } from '../routes/metrics.ts'
import type { Clients } from '../services/clients.ts'
import type { MeasuredLimiter } from '../services/limiter.ts'
import type { Metrics } from './metrics.ts'
import { passwordMetrics } from './password-metrics.ts'
import { revocationMetrics } from './revocation-metrics.ts'

/** What an application counts. */
export interface AppMetrics {
  readonly metrics: Metrics
  /** Where passwords wait to be hashed. */
  readonly passwordQueue: MeasuredLimiter
  /** Who reads them at `/metrics`, beside clients with the scope `metrics`; `null`: there is no such path. */
  readonly readers: { readonly serviceTokens: readonly string[] } | null
}

/** Registers what is read from the parts of the application, and the path where it is shown. */
export function exposeMetrics(app: FastifyInstance, parts: AppMetrics & { auth: Rescind; clients: Clients }): void {
  const { metrics, passwordQueue, readers, auth, clients } = parts
  revocationMetrics(metrics.registry, auth)
  passwordMetrics(metrics.registry, passwordQueue)
  if (readers !== null) metricsRoute(app, { metrics, serviceTokens: readers.serviceTokens, clients })
}
