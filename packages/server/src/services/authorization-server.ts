import { clientScopes } from './clients.ts'

/** What a program needs to know to use the service by the OAuth standards (RFC 8414 §2). */
export interface AuthorizationServerMetadata {
  readonly issuer: string
  readonly jwks_uri: string
  readonly introspection_endpoint: string
  readonly introspection_endpoint_auth_methods_supported: readonly string[]
  readonly revocation_endpoint: string
  readonly revocation_endpoint_auth_methods_supported: readonly string[]
  readonly scopes_supported: readonly string[]
  readonly response_types_supported: readonly string[]
  readonly grant_types_supported: readonly string[]
}

/** Describes the service that is reached at `issuer`. No flow of OAuth's own ends in a token here, so it names none. */
export function authorizationServerMetadata(issuer: string): AuthorizationServerMetadata {
  const base = issuer.replace(/\/+$/, '')
  const withSecret = ['client_secret_basic', 'client_secret_post']
  return {
    issuer,
    jwks_uri: `${base}/.well-known/jwks.json`,
    introspection_endpoint: `${base}/oauth/introspect`,
    introspection_endpoint_auth_methods_supported: withSecret,
    revocation_endpoint: `${base}/oauth/revoke`,
    revocation_endpoint_auth_methods_supported: ['none', ...withSecret],
    scopes_supported: clientScopes,
    response_types_supported: [],
    grant_types_supported: [],
  }
}
