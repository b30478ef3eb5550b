import { collectDefaultMetrics, Histogram, Registry } from 'prom-client'

/** What the service counts, for Prometheus. Each service has its own: two in one process do not mix. */
export interface Metrics {
  readonly registry: Registry
  readonly contentType: string
  /** All of it, in Prometheus's text format. Whoever asks while it is being gathered gets the same. */
  text(): Promise<string>
  /** A revocation of another process is gone by here, so many milliseconds after it was asked for. */
  arrived(delayMs: number): void
}

const PROPAGATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10]

/** Makes metrics that know of the process alone: others register what they count in {@link Metrics.registry}. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const propagation = new Histogram({
    name: 'rescind_revocation_propagation_seconds',
    help: 'How long after a revocation was asked for elsewhere this process went by it; 0 where its clock is behind.',
    buckets: PROPAGATION_BUCKETS,
    registers: [registry],
  })
  let gathering: Promise<string> | null = null
  return {
    registry,
    contentType: registry.contentType,
    text() {
      gathering ??= registry.metrics().finally(() => {
        gathering = null
      })
      return gathering
    },
    arrived: (delayMs) => propagation.observe(delayMs / 1000),
  }
}
