import { getHeapStatistics } from 'node:v8'
import underPressure from '@fastify/under-pressure'
import type { FastifyInstance } from 'fastify'
import { RescindError } from 'rescind'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Asked in place of the refusal, while the process cannot keep up. */
    readonly pressureHandler?: () => void
  }
}

/** Past what the service sends requests away instead of taking ever longer for all of them. */
export interface PressureLimits {
  /**
   * How much later than planned things are done, in milliseconds, on average over a sample. Hashing passwords adds
   * nothing: it is done in threads. @default 500
   */
  readonly maxEventLoopDelayMs?: number
  /** @default nine tenths of what the process may have */
  readonly maxHeapBytes?: number
  /** How often it is looked at, in milliseconds. @default 1_000 */
  readonly sampleIntervalMs?: number
}

const HEAP_SHARE = 0.9

/** For the `config` of a route that is answered all the same: nobody is to kill a process for being busy. */
export const letThrough = { pressureHandler: () => {} } as const

/** Answers with 503 `overloaded` and `Retry-After` while this process cannot keep up. */
export async function refuseUnderPressure(app: FastifyInstance, limits: PressureLimits): Promise<void> {
  const { maxEventLoopDelayMs = 500, sampleIntervalMs = 1_000 } = limits
  await app.register(underPressure, {
    maxEventLoopDelay: maxEventLoopDelayMs,
    maxHeapUsedBytes: limits.maxHeapBytes ?? getHeapStatistics().heap_size_limit * HEAP_SHARE,
    sampleInterval: sampleIntervalMs,
    pressureHandler: async () => {
      throw new RescindError('overloaded', 'The service is busy: try again.')
    },
  })
}
