import type { IncomingMessage } from 'node:http'
import type { RequestView } from '../../web/request.ts'

/**
 * Reads headers of a Node request. Node keeps only the first of several `Authorization` headers; the guard must see
 * them all, to refuse a request with two identities.
 */
export function headerReader(message: IncomingMessage): RequestView['header'] {
  return (name) => {
    const value = message.headers[name]
    if (name !== 'authorization' || value === undefined) return value
    const { rawHeaders } = message
    let count = 0
    for (let at = 0; at < rawHeaders.length; at += 2) {
      if (rawHeaders[at]?.length === name.length && rawHeaders[at]?.toLowerCase() === name) count += 1
    }
    return count === 1 ? value : message.headersDistinct[name]
  }
}
