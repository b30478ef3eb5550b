import { z } from 'zod'
import { tokenForm } from '../bodies/oauth.ts'
import type { Answer, Operation } from './operation.ts'

const oauthError = z
  .strictObject({ error: z.string(), error_description: z.string() })
  .meta({ id: 'OAuthError', description: 'RFC 6749, section 5.2' })

const refusal = (description: string, headers?: Answer['headers']): Answer => ({
  description,
  schema: oauthError,
  ...(headers === undefined ? {} : { headers }),
})

const refusals = {
  400: refusal('`invalid_request`: the form lacks something, or has it twice'),
  401: refusal('`invalid_client`: no such client, or another secret', { 'WWW-Authenticate': 'Basic' }),
  413: refusal('`invalid_request`: the form is too large'),
  415: refusal('`invalid_request`: the body is no form'),
  429: refusal('`temporarily_unavailable`: too many requests', { 'Retry-After': 'Seconds to wait' }),
  500: refusal('`server_error`'),
  503: refusal('`temporarily_unavailable`: nobody can tell now', { 'Retry-After': 'Seconds to wait' }),
}

const form = { schema: tokenForm, mediaType: 'application/x-www-form-urlencoded' }

const seconds = z.number().int()

const introspection = z.strictObject({
  active: z.boolean(),
  token_type: z.enum(['Bearer', 'refresh_token']).optional(),
  sub: z.string().optional(),
  username: z.string().optional(),
  sid: z.string().optional(),
  jti: z.string().optional(),
  iat: seconds.optional(),
  nbf: seconds.optional(),
  exp: seconds.optional(),
  auth_time: seconds.optional(),
  iss: z.string().optional(),
  aud: z.union([z.string(), z.array(z.string())]).optional(),
  scope: z.string().optional(),
  client_id: z.string().optional(),
})

/** Of `routes/oauth.ts`, which docs/reference/oauth.md tells in full. */
export const oauthOperations: readonly Operation[] = [
  {
    id: 'introspectToken',
    method: 'post',
    path: '/oauth/introspect',
    tag: 'oauth',
    summary: 'Whether a token is good, and what it says (RFC 7662)',
    description: 'For clients with the scope `introspect`. Errors are those of OAuth, not problem documents.',
    auth: ['client'],
    body: form,
    answers: {
      ...refusals,
      200: { description: 'What the token says, or only `active: false`', schema: introspection },
      403: refusal('`insufficient_scope`'),
    },
    errors: [],
  },
  {
    id: 'revokeToken',
    method: 'post',
    path: '/oauth/revoke',
    tag: 'oauth',
    summary: 'Revoke a token that one holds (RFC 7009)',
    description:
      'A refresh token takes its session with it, an access token goes alone. Errors are those of OAuth, not problem documents.',
    auth: [],
    body: form,
    answers: { ...refusals, 200: { description: 'It is of no use now, or never was' } },
    errors: [],
  },
]
