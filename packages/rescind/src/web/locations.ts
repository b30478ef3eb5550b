import { RescindError } from '../base/errors.ts'
import type { RequestView } from './request.ts'

const SCHEME = 'bearer'

/**
 * Takes the token out of the `Authorization` header (RFC 6750 §2.1). The scheme is compared without case.
 *
 * @returns the token, or `null` when there is no header or it is of another scheme
 * @throws RescindError `token_malformed` for a bearer header that cannot be read, and for several headers: which of two
 * identities is meant is not ours to guess
 * @example
 * ```ts
 * const token = bearerToken(fastifyView(request))
 * ```
 */
export function bearerToken(request: RequestView): string | null {
  const header = request.header('authorization')
  if (header === undefined) return null
  if (typeof header !== 'string') throw malformed('Send one Authorization header, not several.')
  const space = header.indexOf(' ')
  const scheme = space === -1 ? header : header.slice(0, space)
  if (scheme.toLowerCase() !== SCHEME) return null
  const token = space === -1 ? '' : header.slice(space + 1)
  if (token === '' || token.includes(' ')) throw malformed('The Authorization header must be: Bearer <token>.')
  return token
}

function malformed(message: string): RescindError {
  return new RescindError('token_malformed', message)
}
