import { z } from 'zod'
import type { Operation } from './operation.ts'
import { sessionsResponseSchema, sessionsRevokedResponseSchema } from './resource-schemas.ts'

/** Of `routes/own-sessions.ts`. */
export const ownSessionOperations: readonly Operation[] = [
  {
    id: 'listSessions',
    method: 'get',
    path: '/auth/sessions',
    tag: 'sessions',
    summary: 'Where the user is logged in',
    description: 'Newest first, the current one marked. last_used_at is right to the minute.',
    auth: ['access'],
    answers: { 200: { description: 'All live sessions', schema: sessionsResponseSchema } },
    errors: [],
  },
  {
    id: 'endSession',
    method: 'delete',
    path: '/auth/sessions/:id',
    tag: 'sessions',
    summary: 'End one session',
    auth: ['access'],
    parameters: [{ name: 'id', in: 'path', description: 'The id of a session of the user', schema: z.string() }],
    answers: { 204: { description: 'Every token of that session is dead' } },
    errors: ['not_found'],
  },
  {
    id: 'endSessions',
    method: 'delete',
    path: '/auth/sessions',
    tag: 'sessions',
    summary: 'Log out everywhere, or everywhere else',
    auth: ['access'],
    parameters: [
      { name: 'except', in: 'query', description: 'Spares the session of the request', schema: z.enum(['current']) },
    ],
    answers: { 200: { description: 'How many sessions have ended', schema: sessionsRevokedResponseSchema } },
    errors: ['invalid_request'],
  },
]
