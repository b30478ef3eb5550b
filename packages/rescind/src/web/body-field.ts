import { trimBlanks } from './blanks.ts'
import type { RequestView } from './request.ts'

/** The media type of the body in lower case, without its parameters (RFC 9110 §8.3.1); `null` where there is not one. */
export function mediaType(request: RequestView): string | null {
  const value = request.header('content-type')
  if (typeof value !== 'string') return null
  const end = value.indexOf(';')
  return trimBlanks(end === -1 ? value : value.slice(0, end)).toLowerCase()
}

/** What the body, as the framework parsed it, holds as its own under the key: nothing is taken from a prototype. */
export function ownField(request: RequestView, key: string): unknown {
  const body = request.body?.()
  return typeof body === 'object' && body !== null && Object.hasOwn(body, key) ? Reflect.get(body, key) : undefined
}
