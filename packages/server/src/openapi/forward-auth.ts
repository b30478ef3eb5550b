import { z } from 'zod'
import type { Operation } from './operation.ts'

/** Of `routes/forward-auth.ts`, which docs/guide/forward-auth.md tells in full. */
export const forwardAuthOperations: readonly Operation[] = [
  {
    id: 'verifyRequest',
    method: 'get',
    path: '/auth/verify',
    tag: 'sessions',
    summary: 'Who makes a request, for the proxy that has it before it',
    auth: ['access'],
    parameters: [
      {
        name: 'x-forwarded-method',
        in: 'header',
        description:
          'The method of the request that the proxy has: a cookie needs a CSRF token where it changes something.',
        schema: z.string().regex(/^[A-Z]{1,32}$/),
      },
    ],
    answers: {
      204: {
        description: 'It may pass',
        headers: {
          'X-Auth-Subject': 'The `sub` of the token, percent-encoded where it is not printable ASCII',
          'X-Auth-Session': 'The id of the session, likewise; empty for a token without one',
          'X-Auth-Claims': 'All claims, as JSON in base64url',
        },
      },
    },
    errors: ['csrf_failed'],
  },
]
