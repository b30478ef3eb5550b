import { configError } from '../../base/errors.ts'

/** What the service knows a resource server by: one of the two. It is sent with every request and shown in no message. */
export type HttpCredentials =
  | {
      /** The service's `SERVICE_TOKEN`. */
      readonly token: string
      readonly client?: undefined
    }
  | {
      /** A client of the service's, as `rescind client create --scope revocations:read` makes it. */
      readonly client: { readonly id: string; readonly secret: string }
      readonly token?: undefined
    }

// RFC 6750 §2.1: what may follow `Bearer` in a header.
const BEARER_TOKEN = /^[\w.~+/-]+=*$/
// RFC 6749 appendix A.1 and A.2.
const VISIBLE = /^[\x20-\x7e]{1,512}$/

/**
 * The `Authorization` header that shows the credentials.
 *
 * @throws RescindError `invalid_config`, which shows neither
 */
export function authorizationOf({ token, client }: HttpCredentials): string {
  if (client === undefined) return `Bearer ${checkedToken(token)}`
  if (token !== undefined) throw configError('give token or client, not both')
  const { id, secret } = client
  if (!isVisible(id) || !isVisible(secret)) {
    throw configError('client must be the id and the secret of a client of the service')
  }
  // RFC 6749 §2.3.1: form-encoded first, so that either may hold a colon.
  return `Basic ${btoa(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`)}`
}

function isVisible(text: unknown): boolean {
  return typeof text === 'string' && VISIBLE.test(text)
}

function checkedToken(token: unknown): string {
  if (typeof token !== 'string' || !BEARER_TOKEN.test(token)) {
    throw configError('token must be the service token: letters, digits and - . _ ~ + / only')
  }
  return token
}
