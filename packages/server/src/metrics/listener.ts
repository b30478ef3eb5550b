import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Metrics } from './metrics.ts'

/** A port of its own for `GET /metrics`, without credentials: whoever reaches it reads them. */
export interface MetricsListener {
  /** Answers the port; rejects with what the system says where it cannot be had. */
  listen(where: { readonly port: number; readonly host: string }): Promise<number>
  close(): Promise<void>
}

const MAX_CONNECTIONS = 32
const REQUEST_TIMEOUT_MS = 5_000

/** Makes one that does not listen yet. */
export function createMetricsListener(metrics: Metrics): MetricsListener {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS })
  server.maxConnections = MAX_CONNECTIONS
  server.on('request', (request, response) => {
    response.setHeader('cache-control', 'no-store').setHeader('x-content-type-options', 'nosniff')
    // What is sent besides is not read.
    request.resume()
    if (request.url?.split('?')[0] !== '/metrics') return void response.writeHead(404).end()
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return void response.writeHead(405, { allow: 'GET, HEAD' }).end()
    }
    metrics.text().then(
      (text) => response.writeHead(200, { 'content-type': metrics.contentType }).end(text),
      () => response.writeHead(500).end(),
    )
  })
  return {
    async listen({ port, host }) {
      server.listen(port, host)
      await once(server, 'listening')
      const address = server.address()
      return typeof address === 'object' && address !== null ? address.port : port
    },
    async close() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
