import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type Clock, createKeyRing, createRescind, generateKey, type Ledger, type Rescind } from 'rescind'
import { memoryStore } from 'rescind/stores/memory'
import { type AppOptions, createApp } from '../../src/app.ts'
import type { RevocationFeedOptions } from '../../src/routes/revocations.ts'

export const SERVICE_TOKEN = 'resource-servers-know-this-0123456789'

export const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

export interface FeedApp {
  readonly url: string
  readonly port: number
  readonly log: () => string
  get(path?: string, headers?: Record<string, string>, signal?: AbortSignal): Promise<Response>
  /** A client that asks for a stream and then takes none of it. */
  openWithoutReading(): Promise<{ readonly isCut: () => boolean }>
  close(): Promise<void>
  /** Closes without waiting for the spare connections that clients keep for a while. */
  end(): Promise<void>
}

/** What a test may choose: a port of 0 takes a free one. */
export type FeedAppOptions = Partial<RevocationFeedOptions> & { port?: number; clock?: Clock; auth?: Rescind }

/** The application over any ledger, for what resource servers ask of it. It has no accounts. */
export async function startFeedApp(ledger: Ledger, options: FeedAppOptions = {}): Promise<FeedApp> {
  const { port: wantedPort = 0, clock, auth = withoutTokens(), ...feed } = options
  const lines: string[] = []
  const app = await createApp({
    auth,
    signing: {} as AppOptions['signing'],
    issuer: 'https://id.example.test',
    database: { sessionUses: noUses } as AppOptions['database'],
    changes: {} as AppOptions['changes'],
    readiness: {} as AppOptions['readiness'],
    passwords: {} as AppOptions['passwords'],
    registration: 'closed',
    revocationFeed: { ledger, serviceTokens: [SERVICE_TOKEN], heartbeatMs: 50, ...feed },
    log: { level: 'debug', stream: { write: (line) => lines.push(line) } },
    ...(clock === undefined ? {} : { clock }),
  })
  const sockets = new Set<Socket>()
  app.server.on('connection', (socket) => sockets.add(socket))
  const url = await app.listen({ port: wantedPort, host: '127.0.0.1' })
  const port = Number(new URL(url).port)
  return {
    url,
    port,
    log: () => lines.join(''),
    get: (path = '/revocations', headers = {}, signal = AbortSignal.timeout(10_000)) =>
      fetch(url + path, { headers: { ...bearer(SERVICE_TOKEN), ...headers }, signal }),
    async openWithoutReading() {
      const client = connect(port, '127.0.0.1')
      client.on('error', () => {})
      await once(client, 'connect')
      client.pause()
      client.write(`GET /revocations HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${SERVICE_TOKEN}\r\n\r\n`)
      const ours = client.localPort
      return { isCut: () => [...sockets].some((socket) => socket.remotePort === ours && socket.destroyed) }
    },
    close: () => app.close(),
    async end() {
      const closed = app.close()
      app.server.closeAllConnections()
      await closed
    },
  }
}

function withoutTokens(): Rescind {
  return createRescind({ store: memoryStore(), keys: createKeyRing({ active: generateKey('EdDSA') }) })
}

const noUses: AppOptions['database']['sessionUses'] = {
  record: async () => {},
  of: async () => new Map(),
  prune: async () => {},
}
