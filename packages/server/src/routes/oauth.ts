import type { FastifyInstance } from 'fastify'
import type { Clock, Rescind } from 'rescind'
import { parseTokenForm } from '../bodies/oauth.ts'
import { acceptOnlyForms } from '../form-parser.ts'
import type { Users } from '../repositories/users.ts'
import type { Clients } from '../services/clients.ts'
import { introspect } from '../services/introspection.ts'
import { createRevocableTokens, type ReadableKeys, type RevocableToken } from '../services/revocable-tokens.ts'
import { presentedClient, requiredClient } from './client-authentication.ts'
import { answerOAuthError } from './oauth-errors.ts'

/** What the routes under `/oauth` are composed of. */
export interface OAuthOptions {
  readonly auth: Rescind
  readonly clients: Clients
  readonly users: Users
  readonly signing: ReadableKeys
  readonly clock: Clock
}

// The longest token that is read has 8 KiB.
const MAX_FORM_BYTES = 16_384

/** `POST /oauth/introspect` (RFC 7662) and `POST /oauth/revoke` (RFC 7009): forms, and errors as OAuth words them. */
export async function oauthRoutes(app: FastifyInstance, options: OAuthOptions): Promise<void> {
  const { auth, clients, users } = options
  const tokens = createRevocableTokens(options)
  await app.register(async (oauth) => {
    acceptOnlyForms(oauth, MAX_FORM_BYTES)
    oauth.setErrorHandler(answerOAuthError)

    oauth.post('/oauth/introspect', async (request) => {
      const form = parseTokenForm(request.body)
      await requiredClient(clients, request, { scope: 'introspect', fields: form })
      return introspect({ auth, users }, form)
    })

    oauth.post('/oauth/revoke', async (request, reply) => {
      const form = parseTokenForm(request.body)
      const client = await presentedClient(clients, request, form)
      const token = await tokens.read(form.token)
      // RFC 7009 §2.2: where there is nothing to revoke, what its bearer wanted is so already.
      if (token !== null) await revoke(auth, token, client?.id)
      return reply.code(200).send()
    })
  })
}

/** A refresh token takes its session with it, as logging out does; an access token goes alone (RFC 7009 §2.1). */
async function revoke(auth: Rescind, token: RevocableToken, clientId: string | undefined): Promise<void> {
  const { type, sid, jti, sub, expiresAtMs } = token
  const why = { by: clientId ?? sub, reason: 'oauth revocation' }
  if (type === 'refresh' && sid !== undefined) await auth.revoke.session(sid, why)
  else await auth.revoke.token({ jti, expiresAtMs }, why)
}
