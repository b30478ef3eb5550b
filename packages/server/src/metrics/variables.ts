import { z } from 'zod'
import { portNumber } from '../port-number.ts'

/** Where metrics are listened for on their own; `null`: they are at `/metrics` of the service, for who may. */
export type MetricsAddress = { readonly port: number; readonly host: string } | null

/** What the environment says of metrics. */
export const metricsVariables = {
  METRICS_PORT: portNumber.optional().describe('nothing, or a port from 0 to 65535 for GET /metrics (0: any free one)'),
  METRICS_HOST: z
    .string()
    .regex(/^[0-9A-Za-z.:_-]{1,253}$/)
    .prefault('127.0.0.1')
    .describe('a host name or an IP address to listen on for METRICS_PORT'),
} as const

/** The address in them. */
export function metricsAddress(values: {
  readonly METRICS_PORT?: number | undefined
  readonly METRICS_HOST: string
}): MetricsAddress {
  return values.METRICS_PORT === undefined ? null : { port: values.METRICS_PORT, host: values.METRICS_HOST }
}
