import { z } from 'zod'
import type { Operation } from './operation.ts'

/** Of `routes/health.ts`, `routes/metrics.ts` and `routes/documentation.ts`. */
export const healthOperations: readonly Operation[] = [
  {
    id: 'live',
    method: 'get',
    path: '/health/live',
    tag: 'operations',
    summary: 'The process answers',
    auth: [],
    answers: { 200: { description: 'It lives', schema: z.strictObject({ status: z.literal('live') }) } },
    errors: [],
  },
  {
    id: 'ready',
    method: 'get',
    path: '/health/ready',
    tag: 'operations',
    summary: 'The service can do what it is for',
    auth: [],
    answers: {
      200: {
        description: 'It is ready',
        schema: z.looseObject({ status: z.literal('ready'), mirror: z.looseObject({}).optional() }),
      },
    },
    errors: ['revocation_unavailable', 'overloaded'],
  },
  {
    id: 'metrics',
    method: 'get',
    path: '/metrics',
    tag: 'operations',
    summary: 'What the service counts',
    description: 'For a client with the scope `metrics`. Not here where METRICS_PORT gives it a port of its own.',
    auth: ['service', 'client'],
    answers: { 200: { description: 'The text format of Prometheus', mediaType: 'text/plain', schema: z.string() } },
    errors: ['forbidden'],
  },
  {
    id: 'openapi',
    method: 'get',
    path: '/openapi.json',
    tag: 'operations',
    summary: 'This document',
    auth: [],
    answers: { 200: { description: 'OpenAPI 3.1', schema: z.looseObject({ openapi: z.string() }) } },
    errors: [],
  },
  {
    id: 'docs',
    method: 'get',
    path: '/docs',
    tag: 'operations',
    summary: 'This document as a page to read',
    auth: [],
    answers: { 200: { description: 'HTML', mediaType: 'text/html', schema: z.string() } },
    errors: [],
  },
]
