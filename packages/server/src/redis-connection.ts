import { createClient } from 'redis'
import { withDeadline } from './deadline.ts'
import { describeFailure } from './storage-failure.ts'

/** A client of a Redis server, for the store and for keys of the service's own. */
export type RedisClient = ReturnType<typeof createRedisClient>

/** A connection to Redis that comes back by itself. */
export interface RedisConnection {
  readonly client: RedisClient
  close(): void
}

const CONNECT_TIMEOUT_MS = 5_000
const MOMENT_MS = 500
const LAST_RETRY_MS = 1_000
const WATCH_INTERVAL_MS = 2_000
const SILENCE_MS = 2_000

/**
 * Connects to Redis. With `required` it rejects when the server is not there now; without, it answers soon and goes on
 * trying. `onWarning` hears when the connection breaks and when it is back.
 */
export async function connectRedis(
  url: string,
  { required, onWarning }: { required: boolean; onWarning: (message: string) => void },
): Promise<RedisConnection> {
  let patient = !required
  const client = createRedisClient(url, (retries) =>
    patient ? Math.min(LAST_RETRY_MS, 50 * 2 ** Math.min(retries, 10)) * (0.5 + Math.random() / 2) : false,
  )
  // Where the first connection cannot be made, this rejects, and that is told: it is no outage.
  tellOfOutages(client, (message) => {
    if (patient) onWarning(message)
  })
  const connected = client.connect()
  // A server that is there takes a moment; one that is not required is not waited for any longer.
  if (required) await withDeadline(connected, CONNECT_TIMEOUT_MS).catch(closing(client))
  else await withDeadline(connected, MOMENT_MS).catch(() => {})
  patient = true
  const stopWatching = reconnectWhenSilent(client)
  return {
    client,
    close() {
      stopWatching()
      if (client.isOpen) client.destroy()
    },
  }
}

function closing(client: RedisClient): (error: unknown) => never {
  return (error) => {
    if (client.isOpen) client.destroy()
    throw error
  }
}

function createRedisClient(url: string, reconnectStrategy: (retries: number) => number | false) {
  return createClient({
    url,
    name: 'rescind',
    // A command that cannot be sent now fails now: who waits for it has given up before the server is back.
    disableOfflineQueue: true,
    socket: { connectTimeout: CONNECT_TIMEOUT_MS, reconnectStrategy },
  })
}

/** One line for an outage, however often connecting fails. */
function tellOfOutages(client: RedisClient, onWarning: (message: string) => void): void {
  let isDown = false
  client.on('error', (error: unknown) => {
    if (isDown) return
    isDown = true
    onWarning(`the connection to Redis broke: ${describeFailure(error).message}`)
  })
  client.on('ready', () => {
    if (isDown) onWarning('the connection to Redis is back')
    isDown = false
  })
}

/** A connection can be dead without either end knowing. What asks nothing would never find out, nor reconnect. */
function reconnectWhenSilent(client: RedisClient): () => void {
  let asking = false
  const timer = setInterval(async () => {
    if (asking || !client.isReady) return
    asking = true
    try {
      await withDeadline(client.ping(), SILENCE_MS)
    } catch {
      if (client.isReady) {
        client.destroy()
        client.connect().catch(() => {})
      }
    }
    asking = false
  }, WATCH_INTERVAL_MS)
  timer.unref()
  return () => clearInterval(timer)
}
