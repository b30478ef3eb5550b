import { z } from 'zod'
import type { Answer, Parameter } from './operation.ts'
import { accessTokenResponseSchema, cookieTokenResponseSchema, tokenResponseSchema } from './resource-schemas.ts'

/** Of every operation that mints. */
export const tokenDelivery: Parameter = {
  name: 'Token-Delivery',
  in: 'header',
  description: 'Where the tokens go: by default where the token of the request was, or else into the body.',
  schema: z.enum(['body', 'cookie']),
}

const headers = { 'Set-Cookie': 'With Token-Delivery: cookie, the tokens and the CSRF tokens' }

/** An answer with a new pair, in the body or in cookies. */
export function tokensAnswer(description: string): Answer {
  return { description, schema: z.union([tokenResponseSchema, cookieTokenResponseSchema]), headers }
}

/** An answer with a new access token alone. */
export function accessTokenAnswer(description: string): Answer {
  return { description, schema: z.union([accessTokenResponseSchema, cookieTokenResponseSchema]), headers }
}
