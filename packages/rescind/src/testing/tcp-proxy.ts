import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A network that can be made to fail, between a client and one server. */
export interface TcpProxy {
  /** Where clients connect, on 127.0.0.1. */
  readonly port: number
  /** The clients' connections that are open. */
  readonly connections: number
  /** Resets all connections, and every new one. */
  cut(): void
  /** Swallows everything, as a network does that has lost its way: connections stay open and say nothing. */
  drop(): void
  /** Delays everything by so many milliseconds. */
  delay(ms: number): void
  /** Ends the fault, whichever it is; what was swallowed goes on its way, as TCP would send it again. */
  heal(): void
  close(): Promise<void>
}

/** The server behind a {@link TcpProxy}. */
export interface TcpProxyTarget {
  /** @default '127.0.0.1' */
  readonly host?: string | undefined
  readonly port: number
}

interface Network {
  state: 'whole' | 'cut' | 'dropping'
  delayMs: number
}

interface Pair {
  readonly client: Socket
  readonly server: Socket
  pump(): void
}

/**
 * Starts a proxy, for tests of what a store does when its network fails.
 *
 * @example
 * ```ts
 * const proxy = await createTcpProxy({ port: 6379 })
 * const client = createClient({ url: `redis://127.0.0.1:${proxy.port}` })
 * proxy.drop()
 * ```
 */
export async function createTcpProxy({ host = '127.0.0.1', port }: TcpProxyTarget): Promise<TcpProxy> {
  const network: Network = { state: 'whole', delayMs: 0 }
  const pairs = new Set<Pair>()

  const listener = createServer((client) => {
    if (network.state === 'cut') {
      client.resetAndDestroy()
      return
    }
    const server = connect(port, host)
    const towardsServer = forward(client, server, network)
    const towardsClient = forward(server, client, network)
    const pair: Pair = {
      client,
      server,
      pump() {
        towardsServer()
        towardsClient()
      },
    }
    pairs.add(pair)
    client.once('close', () => {
      pairs.delete(pair)
      if (network.state !== 'whole') server.destroy()
    })
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')

  const end = (state: Network['state']) => {
    network.state = state
    for (const { client, server } of pairs) {
      client.resetAndDestroy()
      server.destroy()
    }
  }
  return {
    port: address.port,
    get connections() {
      return pairs.size
    },
    cut: () => end('cut'),
    drop() {
      network.state = 'dropping'
    },
    delay(ms) {
      network.delayMs = ms
    },
    heal() {
      network.state = 'whole'
      network.delayMs = 0
      for (const pair of pairs) pair.pump()
    },
    async close() {
      end('cut')
      const closed = once(listener, 'close')
      listener.close()
      await closed
    },
  }
}

/** Sends on, in order, what comes from one side; answers what to call when the network has changed. */
function forward(from: Socket, to: Socket, network: Network): () => void {
  const waiting: { data: Buffer | null; dueAt: number }[] = []
  let timer: NodeJS.Timeout | undefined
  const pump = () => {
    clearTimeout(timer)
    while (network.state === 'whole') {
      const next = waiting[0]
      if (next === undefined) return
      const inMs = network.delayMs === 0 ? 0 : next.dueAt - performance.now()
      if (inMs > 0) {
        timer = setTimeout(pump, inMs)
        return
      }
      waiting.shift()
      if (next.data === null) to.end()
      else if (!to.write(next.data)) from.pause()
    }
  }
  const take = (data: Buffer | null) => {
    waiting.push({ data, dueAt: performance.now() + network.delayMs })
    pump()
  }
  from.on('data', take)
  from.once('close', () => take(null))
  // Whatever ends one side ends the other, once all before it has gone through.
  from.on('error', () => {})
  to.on('drain', () => from.resume())
  return pump
}
