import { ProxyTracerProvider, type Tracer, trace } from '@opentelemetry/api'

const NAME = 'rescind-server'

/** The tracer of the SDK that the process was started with; `null` without one: then nothing is traced, at no cost. */
export function registeredTracer(): Tracer | null {
  const provider = trace.getTracerProvider()
  const isNobodys = provider instanceof ProxyTracerProvider && provider.getDelegateTracer(NAME) === undefined
  return isNobodys ? null : trace.getTracer(NAME)
}
