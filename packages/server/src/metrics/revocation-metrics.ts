import { Counter, Gauge, type Registry } from 'prom-client'
import type { Rescind, RescindStatus } from 'rescind'

const STATES = ['catching-up', 'live', 'stale', 'unavailable'] as const satisfies readonly RescindStatus['state'][]

/** Registers how this process stands towards the ledger, read when somebody asks. */
export function revocationMetrics(registry: Registry, auth: Pick<Rescind, 'status'>): void {
  const gauge = (name: string, help: string, read: (status: RescindStatus) => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read(auth.status()))
      },
    })
  const counter = (name: string, help: string, read: (status: RescindStatus) => number) =>
    new Counter({
      name,
      help,
      registers: [registry],
      collect() {
        this.reset()
        this.inc(read(auth.status()))
      },
    })
  gauge('rescind_revocations_live', 'Live revocations in memory.', ({ liveRecords }) => liveRecords)
  gauge(
    'rescind_revocations_live_bytes',
    'Bytes that they take outside of the JavaScript heap.',
    ({ liveRecordBytes }) => liveRecordBytes,
  )
  gauge(
    'rescind_replica_lag_seconds',
    'Since memory was last proved complete; NaN before the first replay.',
    ({ lagMs }) => (Number.isFinite(lagMs) ? lagMs / 1000 : Number.NaN),
  )
  gauge(
    'rescind_store_pending_writes',
    'Changes that wait for the store or are being written.',
    ({ pendingWrites }) => pendingWrites,
  )
  gauge('rescind_watched_tokens', 'Open connections that end with their token.', ({ watchedTokens }) => watchedTokens)
  counter(
    'rescind_feed_reopened_total',
    'How often the feed of revocations had to be reopened.',
    ({ feedReopened }) => feedReopened,
  )
  counter(
    'rescind_unchecked_tokens_total',
    'Tokens that passed unchecked, by REVOCATION_UNAVAILABLE=allow.',
    ({ uncheckedTokens }) => uncheckedTokens,
  )
  new Gauge({
    name: 'rescind_replica_state',
    help: '1 for the state that the copy of the revocations is in, 0 for the others.',
    labelNames: ['state'] as const,
    registers: [registry],
    collect() {
      const { state } = auth.status()
      for (const one of STATES) this.set({ state: one }, one === state ? 1 : 0)
    },
  })
}
