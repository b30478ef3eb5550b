import { createClient, type RedisClientType } from 'redis'
import type { FeedSink, Ledger, Position, Revocation } from 'rescind'

/** Connects, and lets the driver reconnect quietly for as long as it takes. */
export async function connectTo(url: string, options: { readonly RESP?: 2 | 3 } = {}): Promise<RedisClientType> {
  const client = createClient({ url, ...options, socket: { reconnectStrategy: 20 } })
  client.on('error', () => {})
  await client.connect()
  return client as RedisClientType
}

/** Removes what a test left, for servers that outlive it. */
export async function removeKeys(client: RedisClientType, prefix: string): Promise<void> {
  const keys = await client.keys(`{${prefix}}:*`)
  if (keys.length > 0) await client.unlink(keys)
}

/** A follower that remembers what it was told, and how it ended. */
export function followFrom(ledger: Ledger, from: Position) {
  const ending = new AbortController()
  const follower = {
    records: [] as Revocation[],
    position: from,
    proofs: 0,
    error: null as unknown,
    over: false,
    async stop() {
      ending.abort()
      await done
    },
  }
  const sink: FeedSink = {
    now: () => performance.now(),
    records(page) {
      follower.records.push(...page.records)
      follower.position = page.position
    },
    current() {
      follower.proofs += 1
    },
  }
  const done = ledger.follow(from, sink, ending.signal).then(
    () => {
      follower.over = true
    },
    (error: unknown) => {
      follower.over = true
      follower.error = error
    },
  )
  return follower
}
