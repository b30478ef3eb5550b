import { boundedNumber } from '../../base/config.ts'
import { listOf, numberOf } from './replies.ts'
import type { WriteWait } from './writer.ts'

/** Until how many replicas hold what was written, and for how long to wait for them. */
export interface WaitReplicas {
  readonly count: number
  /** @default 500 */
  readonly timeoutMs?: number | undefined
}

/** Until the server's append-only file holds what was written, and those of `replicas` replicas. */
export interface WaitAof {
  /** @default 0 */
  readonly replicas?: number | undefined
  /** @default 500 */
  readonly timeoutMs?: number | undefined
}

const DEFAULT_TIMEOUT_MS = 500

/** What every write waits for. */
export function writeWaits(waitReplicas: WaitReplicas | undefined, waitAof: WaitAof | undefined): WriteWait[] {
  const waits: WriteWait[] = []
  if (waitReplicas !== undefined) {
    const count = replicaCount('waitReplicas.count', waitReplicas.count, 1)
    const timeoutMs = timeout('waitReplicas.timeoutMs', waitReplicas.timeoutMs)
    waits.push({
      args: ['WAIT', String(count), String(timeoutMs)],
      timeoutMs,
      missing(reply) {
        const reached = numberOf(reply)
        return reached >= count ? null : `${reached} of ${count} replicas took the change within ${timeoutMs} ms`
      },
    })
  }
  if (waitAof !== undefined) {
    const count = replicaCount('waitAof.replicas', waitAof.replicas ?? 0, 0)
    const timeoutMs = timeout('waitAof.timeoutMs', waitAof.timeoutMs)
    waits.push({
      args: ['WAITAOF', '1', String(count), String(timeoutMs)],
      timeoutMs,
      missing(reply) {
        const [local, replicas] = listOf(reply).map(numberOf)
        if (local !== 1) return `the change was not on disk within ${timeoutMs} ms`
        if ((replicas ?? 0) >= count) return null
        return `the change was on the disks of ${replicas} of ${count} replicas within ${timeoutMs} ms`
      },
    })
  }
  return waits
}

function replicaCount(name: string, count: number, min: number): number {
  return boundedNumber(name, count, { min, max: 100, unit: 'replicas' })
}

function timeout(name: string, ms: number = DEFAULT_TIMEOUT_MS): number {
  return boundedNumber(name, ms, { min: 1, max: 60_000, unit: 'milliseconds' })
}
