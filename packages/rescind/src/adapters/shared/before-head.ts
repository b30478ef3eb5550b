import type { ServerResponse } from 'node:http'
import { setCookiesOf } from './node.ts'

/** What sends the head of a response, or makes Node send it. */
const SENDERS = ['writeHead', 'flushHeaders', 'write', 'end'] as const

/**
 * Adds cookies to a response when its head is about to be written: `renew` is asked once, with the cookies that are on
 * it. While that takes, the response is held back, and looks to the program as if its head had been sent.
 *
 * @param renew neither throws nor rejects; `null` for nothing to add
 */
export function beforeHead(
  response: ServerResponse,
  renew: (setCookies: readonly string[]) => Promise<readonly string[]> | null,
): void {
  let held: (() => void)[] | null = null
  let isPassing = false

  const release = (cookies: readonly string[], statusCode: number) => {
    isPassing = true
    Reflect.deleteProperty(response, 'headersSent')
    try {
      response.statusCode = statusCode
      if (cookies.length > 0)
        response.setHeader('set-cookie', [...setCookiesOf(response.getHeader('set-cookie')), ...cookies])
      for (const send of held ?? []) send()
    } catch {
      // What the program would have been told, had it not been held back: it gave `write` what cannot be written.
      response.destroy()
    }
  }

  for (const name of SENDERS) {
    const original: (...args: never[]) => unknown = response[name]
    response[name] = (...given: unknown[]) => {
      const args = isPassing || name !== 'writeHead' ? given : moveSetCookies(response, given)
      if (!isPassing && held === null) {
        const cookies = renew(setCookiesOf(response.getHeader('set-cookie')))
        if (cookies === null) {
          isPassing = true
        } else {
          held = []
          const { statusCode } = response
          Object.defineProperty(response, 'headersSent', { value: true, configurable: true })
          cookies.then((values) => release(values, statusCode))
        }
      }
      if (isPassing || held === null) return Reflect.apply(original, response, args)
      held.push(() => Reflect.apply(original, response, args))
      // The program goes on writing: others that wrap the response would look for its `drain` elsewhere. What is held is
      // bounded by what a route writes within the time that a renewal may take.
      return name === 'write' ? true : response
    }
  }
}

/** Takes the cookies out of what `writeHead` was given, to where others can be added: it would put its own in their place. */
function moveSetCookies(response: ServerResponse, args: unknown[]): unknown[] {
  const headers = args.at(-1)
  if (typeof headers !== 'object' || headers === null) return args
  const entries: [string, unknown][] = Array.isArray(headers) ? pairs(headers) : Object.entries(headers)
  const isCookie = ([name]: [string, unknown]) => name.toLowerCase() === 'set-cookie'
  if (!entries.some(isCookie)) return args
  const cookies = entries.filter(isCookie).flatMap(([, value]) => value)
  response.setHeader('set-cookie', cookies.map(String))
  const rest = entries.filter((entry) => !isCookie(entry))
  return [...args.slice(0, -1), Array.isArray(headers) ? rest.flat() : Object.fromEntries(rest)]
}

/** `writeHead` takes `[name, value, name, value]` and `[[name, value]]`. */
function pairs(headers: unknown[]): [string, unknown][] {
  const flat = headers.every(Array.isArray) ? headers.flat() : headers
  return flat.flatMap((name, at) => (at % 2 === 0 ? [[String(name), flat[at + 1]] satisfies [string, unknown]] : []))
}
