import { z } from 'zod'
import { findRevocationBody } from '../bodies.ts'
import type { Operation } from './operation.ts'

/** Of `routes/revocations.ts`, which docs/reference/revocation-feed.md tells in full. */
export const revocationOperations: readonly Operation[] = [
  {
    id: 'followRevocations',
    method: 'get',
    path: '/revocations',
    tag: 'revocations',
    summary: 'The live revocations, and then every new one',
    auth: ['service', 'client'],
    parameters: [
      {
        name: 'until',
        in: 'query',
        description: 'Ends the stream once it has told what there is now.',
        schema: z.literal('current'),
      },
      {
        name: 'last-event-id',
        in: 'header',
        description: 'The id of the last event that was read: the stream goes on behind it.',
        schema: z.string(),
      },
    ],
    answers: {
      200: { description: 'Server-sent events', mediaType: 'text/event-stream', schema: z.string() },
    },
    errors: ['invalid_request', 'history_lost', 'overloaded'],
  },
  {
    id: 'findRevocation',
    method: 'post',
    path: '/revocations/find',
    tag: 'revocations',
    summary: 'What kills one token',
    auth: ['service', 'client'],
    body: { schema: findRevocationBody },
    answers: {
      200: {
        description: 'The revocation, or null where nothing kills it',
        schema: z.strictObject({ revocation: z.record(z.string(), z.unknown()).nullable() }),
      },
    },
    errors: [],
  },
]
