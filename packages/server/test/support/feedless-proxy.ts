import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A way to PostgreSQL on which the feed of revocations can be cut, and nothing else. */
export interface FeedlessProxy {
  readonly port: number
  /** Resets all connections, and from then on every one that asks for revocations. */
  cutFeed(): void
  close(): Promise<void>
}

// How a replica waits for revocations and how it reads them. A failed attempt to listen begins with a read: cutting the
// first alone would leave it a moment behind, not deaf.
const FEED = ['LISTEN "', 'ORDER BY position LIMIT']

/** Starts one to a port of 127.0.0.1. */
export async function createFeedlessProxy(port: number): Promise<FeedlessProxy> {
  const sockets = new Set<Socket>()
  let isCut = false
  const listener = createServer((client) => {
    const server = connect(port, '127.0.0.1')
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => other.destroySoon())
    }
    client.on('data', (data: Buffer) => {
      if (isCut && FEED.some((words) => data.includes(words))) client.destroy()
    })
    client.pipe(server)
    server.pipe(client)
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  return {
    port: address.port,
    cutFeed() {
      isCut = true
      // What was prepared on a connection is asked for by its name alone.
      for (const socket of sockets) socket.destroy()
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      const closed = once(listener, 'close')
      listener.close()
      await closed
    },
  }
}
