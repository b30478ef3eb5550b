// What an SDK does when it is loaded, by hand, with an exporter that a test can read: each span is a line of stdout.
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'

const exporter = {
  export(spans, done) {
    for (const { name, attributes } of spans) process.stdout.write(`span ${JSON.stringify({ name, attributes })}\n`)
    done({ code: 0 })
  },
  shutdown: async () => {},
}
process.stdout.write('an SDK was loaded\n')
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
