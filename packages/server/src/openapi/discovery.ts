import { z } from 'zod'
import type { Operation } from './operation.ts'

/** Of `routes/discovery.ts`. */
export const discoveryOperations: readonly Operation[] = [
  {
    id: 'jwks',
    method: 'get',
    path: '/.well-known/jwks.json',
    tag: 'discovery',
    summary: 'The public keys that tokens are checked with (RFC 7517)',
    auth: [],
    answers: {
      200: {
        description: 'A JWK set',
        schema: z.strictObject({ keys: z.array(z.looseObject({ kty: z.string(), kid: z.string().optional() })) }),
        headers: { 'Cache-Control': 'How long the keys may be kept', ETag: 'For `If-None-Match`' },
      },
    },
    errors: [],
  },
  {
    id: 'authorizationServer',
    method: 'get',
    path: '/.well-known/oauth-authorization-server',
    tag: 'discovery',
    summary: 'Where to find what, and how to show who one is (RFC 8414)',
    auth: [],
    answers: {
      200: {
        description: 'The metadata',
        schema: z.looseObject({ issuer: z.string(), jwks_uri: z.string() }),
        headers: { 'Cache-Control': 'How long it may be kept', ETag: 'For `If-None-Match`' },
      },
    },
    errors: [],
  },
]
