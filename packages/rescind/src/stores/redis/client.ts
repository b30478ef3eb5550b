/** A connection of the store's own, as a client makes it: not open yet. `redis` clients are of this shape. */
export interface RedisConnectionLike {
  connect(): Promise<unknown>
  sendCommand(args: string[]): Promise<unknown>
  /** Closes at once and gives up reconnecting; what waits for an answer is rejected. */
  destroy(): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
}

/** The part of a connected client that the store calls; what `createClient()` of the package `redis` makes fits. */
export interface RedisLike {
  sendCommand(args: string[]): Promise<unknown>
  /** Makes another client for the same server. */
  duplicate(): RedisConnectionLike
  /** False while the connection is down: the store then fails at once and does not queue. */
  readonly isReady?: boolean
}

/** The part of a connected cluster client that the store calls; what `createCluster()` of the package `redis` makes fits. */
export interface RedisClusterLike {
  sendCommand(firstKey: string, isReadonly: boolean, args: string[]): Promise<unknown>
  /** The client of the node that has the key. */
  getNodeClientForKey(key: string): Promise<RedisLike>
}

/** True for a client of a whole cluster. */
export function isCluster(client: RedisLike | RedisClusterLike): client is RedisClusterLike {
  return 'getNodeClientForKey' in client
}
