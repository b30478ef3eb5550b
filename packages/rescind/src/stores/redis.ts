import { boundedNumber } from '../base/config.ts'
import { configError } from '../base/errors.ts'
import type { Store } from '../session/sessions.ts'
import type { RedisClusterLike, RedisLike } from './redis/client.ts'
import { createRedisCommands } from './redis/commands.ts'
import { inspectRedis } from './redis/inspect.ts'
import { redisLedger } from './redis/ledger.ts'
import { redisSessions } from './redis/sessions.ts'
import { type WaitAof, type WaitReplicas, writeWaits } from './redis/waits.ts'

export type { RedisClusterLike, RedisConnectionLike, RedisLike } from './redis/client.ts'
export type { WaitAof, WaitReplicas } from './redis/waits.ts'

/** How {@link redisStore} behaves. */
export interface RedisStoreOptions {
  /**
   * What all keys begin with. It is put in braces, so that a cluster keeps them in one slot, unless it has a hash tag.
   * @default 'rescind'
   */
  readonly prefix?: string
  /** Acknowledge a change only once replicas hold it. The store then writes on a connection of its own. */
  readonly waitReplicas?: WaitReplicas
  /** Acknowledge a change only once it is on disk: Redis 7.2 or later, or Valkey, with an append-only file. */
  readonly waitAof?: WaitAof
  /**
   * Accept a server that drops keys when its memory is full. A revocation that was dropped no longer counts.
   * @default false
   */
  readonly allowEviction?: boolean
  /**
   * Of what the ledger is a copy, in words for a warning, like `PostgreSQL`: whoever writes it writes it again where it
   * was lost. `inspect` then has nothing to say of what a crash would forget.
   * @default the ledger is no copy
   */
  readonly copyOf?: string
  /**
   * For how long, in milliseconds, a command may go unanswered.
   * @default 1000
   */
  readonly commandTimeoutMs?: number
}

/**
 * Keeps ledger and sessions in Redis 6.2 or later, or Valkey: many processes on many hosts. What was acknowledged is as
 * durable as the server makes it: with `appendonly yes` and `appendfsync always` it survives a crash, with several
 * servers a failover where `waitReplicas` asks for it. History that was lost nonetheless is noticed, and recorded again
 * by the processes that still hold it. The caller opens and closes the client; each follower opens a connection more.
 *
 * A command that was not answered in time may have been carried out all the same. Nothing was acknowledged then, and
 * recording a revocation again changes nothing.
 *
 * @param client a connected client of the package `redis`, from `createClient()` or `createCluster()`
 * @example
 * ```ts
 * import { createClient } from 'redis'
 * const client = createClient({ url: 'redis://localhost' }).on('error', reportError)
 * await client.connect()
 * const auth = createRescind({ store: redisStore(client), keys })
 * ```
 * @example A client of the package `ioredis` needs a wrapper:
 * ```ts
 * import { Redis } from 'ioredis'
 * function redisLike(client: Redis): RedisLike & RedisConnectionLike {
 *   return {
 *     sendCommand: ([command = '', ...args]) => client.call(command, ...args),
 *     duplicate: () => redisLike(client.duplicate({ lazyConnect: true })),
 *     connect: () => client.connect(),
 *     destroy: () => client.disconnect(),
 *     on: (event, listener) => client.on(event, listener),
 *     get isReady() {
 *       return client.status === 'ready'
 *     },
 *   }
 * }
 * ```
 */
export function redisStore(client: RedisLike | RedisClusterLike, options: RedisStoreOptions = {}): Store {
  const { waitReplicas, waitAof, allowEviction = false, copyOf = null } = options
  const deadlineMs = boundedNumber('commandTimeoutMs', options.commandTimeoutMs ?? 1_000, {
    min: 10,
    max: 60_000,
    unit: 'milliseconds',
  })
  const waits = writeWaits(waitReplicas, waitAof)
  const commands = createRedisCommands({ client, prefix: keyPrefix(options.prefix ?? 'rescind'), deadlineMs, waits })
  return {
    ledger: redisLedger(commands, deadlineMs),
    sessions: redisSessions(commands),
    guarantees: { durable: true, shared: true },
    inspect: () => inspectRedis(commands, { allowEviction, waitsForAof: waitAof !== undefined, copyOf }),
    close: async () => commands.close(),
  }
}

/** The prefix with a hash tag: the first braces with something in them (Redis cluster specification). */
function keyPrefix(prefix: string): string {
  if (!/^[^\s{}]*(\{[^\s{}]+\})?[^\s{}]*$/.test(prefix) || prefix === '' || prefix.length > 128) {
    throw configError('prefix must be 1 to 128 characters without spaces, with braces around its hash tag only')
  }
  return prefix.includes('{') ? `${prefix}:` : `{${prefix}}:`
}
