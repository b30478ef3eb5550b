import { SpanStatusCode, type Tracer } from '@opentelemetry/api'
import { RescindError } from 'rescind'

/** Does a piece of work in a span below the one of the request. What failed is told by its code, never by its message. */
export function inSpan<T>(tracer: Tracer, name: string, work: () => Promise<T>): Promise<T> {
  return tracer.startActiveSpan(name, async (span) => {
    try {
      return await work()
    } catch (error) {
      const refusal = error instanceof RescindError ? error : null
      span.setAttribute('error.type', refusal?.code ?? 'internal_error')
      if (refusal === null || refusal.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
      throw error
    } finally {
      span.end()
    }
  })
}
