import type { FastifyRequest } from 'fastify'
import { fastifyView } from 'rescind/fastify'
import { noteClient } from '../noted-refusals.ts'
import type { ClientRecord } from '../repositories/clients.ts'
import type { ClientCredentials, ClientScope, Clients } from '../services/clients.ts'
import { invalidClient, OAuthError } from './oauth-errors.ts'

/** The fields of a form in which a client may show its credentials (`client_secret_post`). */
export interface ClientFields {
  readonly client_id?: string | undefined
  readonly client_secret?: string | undefined
}

const BASIC = /^basic +([A-Za-z0-9+/]{1,1024}={0,2})$/i

/**
 * The client that makes a request, by HTTP Basic or by the fields of its form (RFC 6749 §2.3.1); `null` where it shows
 * no credentials. Credentials that are shown must be good.
 *
 * @throws OAuthError `invalid_client`, and `invalid_request` for two kinds of them at once
 */
export async function presentedClient(
  clients: Clients,
  request: FastifyRequest,
  fields: ClientFields = {},
): Promise<ClientRecord | null> {
  const inHeader = fastifyView(request).header('authorization')
  const { client_id: id, client_secret: secret } = fields
  if (inHeader !== undefined && secret !== undefined) {
    throw new OAuthError(400, 'invalid_request', 'Show the client credentials once: in the header or in the form.')
  }
  if (inHeader === undefined && secret === undefined) return null
  const credentials = inHeader === undefined ? { id: id ?? '', secret: secret ?? '' } : readBasic(inHeader)
  if (id !== undefined && id !== credentials.id) {
    throw new OAuthError(400, 'invalid_request', 'The header and the form name different clients.')
  }
  const client = await clients.authenticate(credentials)
  if (client === null) throw invalidClient('There is no such client, or the secret is wrong.')
  noteClient(request, client.id)
  return client
}

/**
 * As {@link presentedClient}, but it must be there and be allowed what it asks for.
 *
 * @throws OAuthError `invalid_client`, `insufficient_scope`
 */
export async function requiredClient(
  clients: Clients,
  request: FastifyRequest,
  { scope, fields }: { scope: ClientScope; fields?: ClientFields },
): Promise<ClientRecord> {
  const client = await presentedClient(clients, request, fields)
  if (client === null) throw invalidClient('Show the credentials of a client.')
  if (!client.scopes.includes(scope)) {
    throw new OAuthError(403, 'insufficient_scope', `The client is not allowed the scope ${scope}.`)
  }
  return client
}

function readBasic(header: string | readonly string[]): ClientCredentials {
  const encoded = typeof header === 'string' ? BASIC.exec(header)?.[1] : undefined
  const credentials = encoded === undefined ? null : decodeCredentials(Buffer.from(encoded, 'base64').toString())
  if (credentials === null) throw invalidClient('Show the client credentials by HTTP Basic.')
  return credentials
}

/** Both were form-encoded before they were joined, so that a secret may hold a colon (RFC 6749 §2.3.1). */
function decodeCredentials(text: string): ClientCredentials | null {
  const colon = text.indexOf(':')
  if (colon === -1) return null
  try {
    return { id: formDecoded(text.slice(0, colon)), secret: formDecoded(text.slice(colon + 1)) }
  } catch {
    return null
  }
}

function formDecoded(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}
