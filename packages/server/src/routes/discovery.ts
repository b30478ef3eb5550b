import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Rescind } from 'rescind'
import { authorizationServerMetadata } from '../services/authorization-server.ts'

/**
 * For how long others may go by what they have read. Long enough to spare the service, short enough that a new key is
 * known well before the old one retires.
 */
const DISCOVERY_MAX_AGE_SECONDS = 300

/**
 * `GET /.well-known/jwks.json`: the public keys (RFC 7517). `GET /.well-known/oauth-authorization-server`: where to find
 * what (RFC 8414).
 */
export function discoveryRoutes(app: FastifyInstance, { auth, issuer }: { auth: Rescind; issuer: string }): void {
  const metadata = authorizationServerMetadata(issuer)
  app.get('/.well-known/jwks.json', (request, reply) => sendCacheable(auth.jwks(), request, reply))
  app.get('/.well-known/oauth-authorization-server', (request, reply) => sendCacheable(metadata, request, reply))
}

function sendCacheable(document: object, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const text = JSON.stringify(document)
  const etag = `"${createHash('sha256').update(text).digest('base64url')}"`
  reply.headers({ 'cache-control': `public, max-age=${DISCOVERY_MAX_AGE_SECONDS}`, etag })
  if (isKnown(request.headers['if-none-match'], etag)) return reply.code(304).send()
  return reply.type('application/json').send(text)
}

/** RFC 9110 §13.1.2: a list of tags, compared weakly, or `*`. */
function isKnown(header: string | undefined, etag: string): boolean {
  const tags = header?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? []
  return tags.includes(etag) || tags.includes('*')
}
