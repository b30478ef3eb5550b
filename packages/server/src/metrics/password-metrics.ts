import { Counter, Gauge, type Registry } from 'prom-client'
import type { MeasuredLimiter } from '../services/limiter.ts'

/** Registers the queue in which passwords wait to be hashed. */
export function passwordMetrics(registry: Registry, queue: MeasuredLimiter): void {
  const registers = [registry]
  new Gauge({
    name: 'rescind_password_hashes_running',
    help: 'Passwords that are being hashed.',
    registers,
    collect() {
      this.set(queue.running)
    },
  })
  new Gauge({
    name: 'rescind_password_hashes_waiting',
    help: 'Passwords that wait for their turn to be hashed.',
    registers,
    collect() {
      this.set(queue.waiting)
    },
  })
  new Counter({
    name: 'rescind_password_hashes_refused_total',
    help: 'Passwords that were not hashed: the queue was full, or they waited too long.',
    registers,
    collect() {
      this.reset()
      this.inc(queue.refused)
    },
  })
}
