import { reauthenticateBody, refreshBody } from '../bodies.ts'
import type { Operation } from './operation.ts'
import { statusResponseSchema } from './resource-schemas.ts'
import { accessTokenAnswer, tokenDelivery, tokensAnswer } from './token-delivery.ts'

/** Of `routes/sessions.ts`. */
export const sessionOperations: readonly Operation[] = [
  {
    id: 'status',
    method: 'get',
    path: '/auth/status',
    tag: 'sessions',
    summary: 'What the access token says and belongs to',
    auth: ['access'],
    answers: { 200: { description: 'User, session and token', schema: statusResponseSchema } },
    errors: [],
  },
  {
    id: 'refresh',
    method: 'post',
    path: '/auth/refresh',
    tag: 'sessions',
    summary: 'Exchange a refresh token for new tokens',
    description:
      'The refresh token comes in the body, as bearer token or as cookie, and is used up. A reused one ends the session.',
    auth: ['refresh'],
    body: { schema: refreshBody, optional: true },
    parameters: [tokenDelivery],
    answers: { 200: tokensAnswer('New tokens, not fresh') },
    errors: ['refresh_token_reused'],
  },
  {
    id: 'reauthenticate',
    method: 'post',
    path: '/auth/reauthenticate',
    tag: 'sessions',
    summary: 'Prove once more who one is, for a fresh access token',
    description: 'The session keeps its refresh token. The access token of the request is dead afterwards.',
    auth: ['access'],
    parameters: [tokenDelivery],
    body: { schema: reauthenticateBody },
    answers: { 200: accessTokenAnswer('A fresh access token') },
    errors: ['invalid_credentials', 'overloaded'],
  },
  {
    id: 'logout',
    method: 'post',
    path: '/auth/logout',
    tag: 'sessions',
    summary: 'End the session of the token, everywhere',
    auth: ['access', 'refresh'],
    answers: {
      204: {
        description: 'Every token of the session is dead',
        headers: { 'Clear-Site-Data': 'Where the token came by cookie' },
      },
    },
    errors: [],
  },
]
