import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A way to a server that can lose what it knows of its connections, as a firewall does that was restarted. */
export interface ForgetfulProxy {
  readonly port: number
  /** From now on nothing passes on the connections that are open, and neither end is told. New ones work. */
  forget(): void
  close(): Promise<void>
}

/** Starts a proxy to a port of 127.0.0.1. */
export async function createForgetfulProxy(port: number): Promise<ForgetfulProxy> {
  const sockets = new Set<Socket>()
  const listener = createServer((client) => {
    const server = connect(port, '127.0.0.1')
    client.pipe(server)
    server.pipe(client)
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on('error', () => {})
    }
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  return {
    port: address.port,
    forget() {
      for (const socket of sockets) {
        socket.unpipe()
        socket.pause()
      }
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      const closed = once(listener, 'close')
      listener.close()
      await closed
    },
  }
}
