import type { RequestView } from 'rescind'
import { RescindError } from '../../src/base/errors.ts'

/** A request; `headers` go by their lower-case names. */
export function viewOf(
  parts: { method?: string; url?: string; headers?: Record<string, string | readonly string[]>; body?: unknown } = {},
): RequestView {
  const { method = 'GET', url = '/', headers = {}, body } = parts
  const view: RequestView = {
    method,
    url,
    header: (name) => (Object.hasOwn(headers, name) ? headers[name] : undefined),
  }
  return body === undefined ? view : { ...view, body: () => body }
}

/** What the call answers, or the code and message it throws. Anything else but a RescindError is thrown on. */
export function attempt<T>(call: () => T): T | { code: string; message: string } {
  try {
    return call()
  } catch (error) {
    if (!(error instanceof RescindError)) throw error
    return { code: error.code, message: error.message }
  }
}

/** The message of the `invalid_config` that the call throws; fails for anything else. */
export function configMessage(call: () => unknown): string {
  const thrown = attempt(call)
  if (typeof thrown === 'object' && thrown !== null && 'code' in thrown && thrown.code === 'invalid_config') {
    return String(Reflect.get(thrown, 'message'))
  }
  throw new Error(`expected invalid_config, got ${JSON.stringify(thrown)}`)
}
