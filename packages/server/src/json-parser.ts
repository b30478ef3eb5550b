import type { FastifyInstance } from 'fastify'
import { RescindError } from 'rescind'

/**
 * Takes JSON and nothing else. Bytes that are not UTF-8 are refused rather than replaced, since two passwords that
 * differ in such bytes would become one. An empty body is no body, whatever its content type: many clients send the
 * header with every request.
 */
export function acceptOnlyJson(app: FastifyInstance): void {
  // `error` refuses keys that would reach the prototype of an object.
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0) return done(null, undefined)
    const text = decodeUtf8(body)
    if (text === null) return done(new RescindError('invalid_request', 'The body is not UTF-8.'))
    return parseJson(request, text, done)
  })
}

function decodeUtf8(body: string | Buffer): string | null {
  if (typeof body === 'string') return body
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    return null
  }
}
